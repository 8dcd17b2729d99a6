"""Channels, rules, alerts and deliveries."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0019_jobs_in_order'),
    ]

    operations = [
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.TextField()),
                ('period_at', models.DateTimeField()),
                ('since_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('firing', 'Firing'), ('continued', 'Continued in the next period'), ('resolved', 'Resolved')], default='firing', max_length=10)),
                ('severity', models.CharField(choices=[('high', 'High'), ('medium', 'Medium')], max_length=10)),
                ('title', models.TextField()),
                ('facts', models.JSONField(default=list)),
                ('links', models.JSONField(default=list)),
                ('first_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('resolved_at', models.DateTimeField(blank=True, null=True)),
                ('told_at', models.DateTimeField(blank=True, null=True)),
                ('was_told', models.BooleanField(default=False)),
                ('resolved_told_at', models.DateTimeField(blank=True, null=True)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='alerts', to='telemetry.project')),
            ],
            options={
                'ordering': ('-first_at',),
            },
        ),
        migrations.CreateModel(
            name='AlertChannel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80)),
                ('kind', models.CharField(choices=[('webhook', 'Webhook: JSON, signed'), ('slack', 'Slack'), ('discord', 'Discord'), ('teams', 'Microsoft Teams'), ('email', 'E-mail')], max_length=10)),
                ('is_enabled', models.BooleanField(default=True, verbose_name='enabled')),
                ('sealed_address', models.TextField(blank=True, default='', editable=False)),
                ('sealed_secret', models.TextField(blank=True, default='', editable=False)),
                ('recipients', models.TextField(blank=True, default='', help_text='For e-mail: addresses, one a line.')),
                ('from_setting', models.CharField(blank=True, default='', editable=False, max_length=40)),
                ('failing_since_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='failing since')),
                ('last_error', models.TextField(blank=True, default='', editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='alert_channels', to='telemetry.project')),
            ],
            options={
                'ordering': ('project', 'name'),
            },
        ),
        migrations.CreateModel(
            name='AlertDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event', models.CharField(choices=[('firing', 'Firing'), ('resolved', 'Resolved'), ('test', 'Test')], max_length=10)),
                ('message_id', models.UUIDField(unique=True)),
                ('message', models.JSONField()),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('sent', 'Sent'), ('failed', 'Failed')], default='waiting', max_length=10)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('next_at', models.DateTimeField()),
                ('status_code', models.PositiveSmallIntegerField(null=True)),
                ('latency_ms', models.PositiveIntegerField(null=True)),
                ('error', models.TextField(blank=True, default='')),
                ('created_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('alert', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='telemetry.alert')),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='telemetry.alertchannel')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='alert_deliveries', to='telemetry.project')),
            ],
            options={
                'verbose_name_plural': 'alert deliveries',
                'ordering': ('-created_at',),
            },
        ),
        migrations.CreateModel(
            name='AlertRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('anomaly', 'Anomaly of at least a severity'), ('agent_silent', 'Agent silent'), ('unpriced_model', 'Model without a price'), ('ingest_errors', 'Ingest errors')], max_length=20)),
                ('is_enabled', models.BooleanField(default=True, verbose_name='enabled')),
                ('severity', models.CharField(choices=[('high', 'High'), ('medium', 'Medium')], default='high', help_text='Of an anomaly: at least this. Else: what messages are marked with.', max_length=10)),
                ('detector', models.CharField(blank=True, choices=[('context_bloat', 'Context bloat'), ('expensive_task', 'Expensive task'), ('duplicate_work', 'Duplicate work'), ('false_completion', 'False completion'), ('inefficient_task', 'Inefficient task')], default='', help_text='For anomalies. Empty: each.', max_length=30)),
                ('active_days', models.PositiveSmallIntegerField(default=5, help_text='For a silent agent: it had calls on at least so many of the last 7 days.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(7)])),
                ('silent_hours', models.PositiveSmallIntegerField(default=24, help_text='For a silent agent: it has had none for so many hours.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(168)])),
                ('more_than', models.PositiveIntegerField(default=10, help_text='For ingest errors: more items of a source than this were refused within an hour.')),
                ('period', models.CharField(choices=[('hour', 'Hour'), ('day', 'Day')], default='day', help_text="One message a subject in each, of the project's zone, while it holds.", max_length=4)),
                ('quiet_from', models.TimeField(blank=True, help_text="In the project's zone.", null=True)),
                ('quiet_until', models.TimeField(blank=True, help_text='What falls into quiet hours is sent when they end, if it still holds.', null=True)),
                ('look_at', models.DateTimeField(auto_now_add=True)),
                ('memory', models.JSONField(default=dict, editable=False)),
                ('channel', models.ForeignKey(blank=True, help_text='Empty: all of the project.', null=True, on_delete=django.db.models.deletion.CASCADE, to='telemetry.alertchannel')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='alert_rules', to='telemetry.project')),
            ],
            options={
                'ordering': ('project', 'kind'),
            },
        ),
        migrations.AddField(
            model_name='alert',
            name='rule',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='alerts', to='telemetry.alertrule'),
        ),
        migrations.AddConstraint(
            model_name='alertchannel',
            constraint=models.UniqueConstraint(condition=models.Q(('from_setting', ''), _negated=True), fields=('project', 'from_setting'), name='one_channel_a_setting'),
        ),
        migrations.AddIndex(
            model_name='alertdelivery',
            index=models.Index(condition=models.Q(('state', 'waiting')), fields=['next_at'], name='delivery_to_do'),
        ),
        migrations.AddIndex(
            model_name='alertdelivery',
            index=models.Index(fields=['project', 'created_at'], name='delivery_by_time'),
        ),
        migrations.AddConstraint(
            model_name='alertdelivery',
            constraint=models.UniqueConstraint(fields=('alert', 'event', 'channel'), name='one_message_a_channel'),
        ),
        migrations.AddIndex(
            model_name='alertrule',
            index=models.Index(condition=models.Q(('is_enabled', True)), fields=['look_at'], name='rule_to_look_at'),
        ),
        migrations.AddIndex(
            model_name='alert',
            index=models.Index(fields=['rule', 'state'], name='alert_of_rule'),
        ),
        migrations.AddIndex(
            model_name='alert',
            index=models.Index(fields=['project', 'first_at'], name='alert_by_time'),
        ),
        migrations.AddConstraint(
            model_name='alert',
            constraint=models.UniqueConstraint(fields=('rule', 'subject', 'period_at'), name='one_alert_a_subject_and_period'),
        ),
    ]
