"""Objectives, key results and what work counts towards them."""

import django.core.validators
import django.db.models.deletion
from decimal import Decimal
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0028_trend_alerts'),
    ]

    operations = [
        migrations.CreateModel(
            name='Objective',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(help_text='Such as O1: what agents may send.', max_length=80, validators=[django.core.validators.RegexValidator('^[A-Za-z0-9][A-Za-z0-9._:/#-]*\\Z', 'A key has letters, digits and . _ : / # - and begins with a letter or digit.')])),
                ('title', models.CharField(max_length=200)),
                ('priority', models.PositiveSmallIntegerField(choices=[(1, 'High'), (2, 'Normal'), (3, 'Low')], default=2)),
                ('owner', models.CharField(blank=True, default='', max_length=120)),
                ('first_day', models.DateField(blank=True, help_text='Of its period. Empty: none.', null=True)),
                ('last_day', models.DateField(blank=True, help_text='Of its period, inclusive. Empty: none.', null=True)),
                ('recorded_on', models.DateField(editable=False)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='objectives', to='telemetry.project')),
            ],
            options={
                'ordering': ('project', 'priority', 'key'),
            },
        ),
        migrations.CreateModel(
            name='KeyResult',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(help_text='Such as O1-KR2: what agents may send.', max_length=80, validators=[django.core.validators.RegexValidator('^[A-Za-z0-9][A-Za-z0-9._:/#-]*\\Z', 'A key has letters, digits and . _ : / # - and begins with a letter or digit.')])),
                ('title', models.CharField(max_length=200)),
                ('metric', models.CharField(blank=True, default='', help_text='What is measured.', max_length=120)),
                ('unit', models.CharField(blank=True, default='', help_text='Such as %, days, tickets.', max_length=40)),
                ('start_value', models.DecimalField(blank=True, decimal_places=4, max_digits=20, null=True, verbose_name='start')),
                ('target_value', models.DecimalField(blank=True, decimal_places=4, max_digits=20, null=True, verbose_name='target')),
                ('direction', models.CharField(choices=[('up', 'Up: more is better'), ('down', 'Down: less is better')], default='up', max_length=4)),
                ('first_day', models.DateField(blank=True, help_text="Of its period. Empty: the objective's.", null=True)),
                ('last_day', models.DateField(blank=True, help_text="Of its period, inclusive. Empty: the objective's.", null=True)),
                ('recorded_on', models.DateField(editable=False)),
                ('project', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='key_results', to='telemetry.project')),
                ('objective', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='key_results', to='telemetry.objective')),
            ],
            options={
                'ordering': ('objective', 'key'),
            },
        ),
        migrations.CreateModel(
            name='Attribution',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('run', 'Run'), ('tag', 'Tag'), ('work_item', 'Work item'), ('rule', 'Rule')], max_length=10)),
                ('name', models.CharField(blank=True, default='', help_text="The run's id, the tag that telemetry sends as objective, or the work item's key. Empty for a rule.", max_length=200)),
                ('task_type', models.CharField(blank=True, default='', help_text='For a rule. Empty: any.', max_length=200)),
                ('agent', models.CharField(blank=True, default='', help_text='For a rule. Empty: any.', max_length=200)),
                ('pattern', models.CharField(blank=True, default='', help_text='For a rule: task ids such as release-*, where * stands for anything. Empty: any.', max_length=200)),
                ('weight', models.DecimalField(decimal_places=4, default=Decimal('1'), help_text='The share, from 0.0001 to 1.', max_digits=5, validators=[django.core.validators.MinValueValidator(Decimal('0.0001')), django.core.validators.MaxValueValidator(1)])),
                ('first_day', models.DateField(blank=True, help_text='Empty: since ever.', null=True)),
                ('last_day', models.DateField(blank=True, help_text='Inclusive. Empty: until it is ended.', null=True)),
                ('recorded_on', models.DateField(editable=False)),
                ('author', models.CharField(blank=True, default='', editable=False, max_length=150)),
                ('note', models.CharField(blank=True, default='', max_length=300)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attributions', to='telemetry.project')),
                ('key_result', models.ForeignKey(blank=True, help_text='Of that objective. Empty: the objective as a whole.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='attributions', to='telemetry.keyresult')),
                ('objective', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attributions', to='telemetry.objective')),
            ],
            options={
                'ordering': ('project', 'kind', 'name', 'task_type', 'agent', 'pattern', 'first_day'),
            },
        ),
        migrations.CreateModel(
            name='WorkItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(help_text="As runs name it: their task's id.", max_length=200)),
                ('parent', models.CharField(blank=True, default='', help_text='The key of the one above it.', max_length=200)),
                ('title', models.CharField(blank=True, default='', max_length=200)),
                ('source', models.CharField(blank=True, default='', help_text='The tracker.', max_length=80)),
                ('first_day', models.DateField(blank=True, null=True)),
                ('last_day', models.DateField(blank=True, null=True)),
                ('recorded_on', models.DateField(editable=False)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='work_items', to='telemetry.project')),
            ],
            options={
                'ordering': ('project', 'key', 'first_day'),
            },
        ),
        migrations.CreateModel(
            name='KeyResultValue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('value', models.DecimalField(decimal_places=4, max_digits=20)),
                ('source', models.CharField(blank=True, default='', help_text='Who or what measured it.', max_length=80)),
                ('key_result', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='values', to='telemetry.keyresult')),
                ('project', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='telemetry.project')),
            ],
            options={
                'ordering': ('key_result', 'day'),
                'constraints': [models.UniqueConstraint(fields=('key_result', 'day'), name='one_value_a_day')],
            },
        ),
        migrations.AddConstraint(
            model_name='objective',
            constraint=models.UniqueConstraint(fields=('project', 'key'), name='one_objective_a_key'),
        ),
        migrations.AddConstraint(
            model_name='keyresult',
            constraint=models.UniqueConstraint(fields=('project', 'key'), name='one_key_result_a_key'),
        ),
        migrations.AddIndex(
            model_name='attribution',
            index=models.Index(fields=['project', 'kind', 'name'], name='attribution_of_work'),
        ),
        migrations.AddConstraint(
            model_name='attribution',
            constraint=models.CheckConstraint(condition=models.Q(('weight__gt', 0), ('weight__lte', 1)), name='weight_is_a_share'),
        ),
        migrations.AddConstraint(
            model_name='attribution',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'rule'), ('name', ''), models.Q(('agent', ''), ('pattern', ''), ('task_type', ''), _negated=True)), models.Q(models.Q(('kind', 'rule'), _negated=True), models.Q(('name', ''), _negated=True), ('agent', ''), ('pattern', ''), ('task_type', '')), _connector='OR'), name='attribution_names_its_work'),
        ),
        migrations.AddIndex(
            model_name='workitem',
            index=models.Index(fields=['project', 'key'], name='work_item_by_key'),
        ),
    ]
