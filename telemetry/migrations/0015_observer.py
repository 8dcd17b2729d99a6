"""What runs came to, what the observer found in them, and the work that must be done once a period."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


# Taken from its beginning, as telemetry_dirty is.
MARKS = """
CREATE TABLE telemetry_run_mark (
    project_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    minutes timestamptz[] NOT NULL CHECK (cardinality(minutes) > 0),
    PRIMARY KEY (project_id, id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_analyze_scale_factor = 0,
        autovacuum_analyze_threshold = 20000);
"""

# Its newest rows are replaced every few seconds, and are a small part of it.
VACUUMED = """
ALTER TABLE telemetry_rollup_run SET (autovacuum_vacuum_scale_factor = 0.005, autovacuum_vacuum_threshold = 5000);
"""

# Runs that were recorded until now wait to be added up.
ALL_IS_MARKED = """
INSERT INTO telemetry_run_mark (project_id, minutes)
SELECT project_id, array_agg(minute ORDER BY minute)
FROM (SELECT project_id, minute, (row_number() OVER (PARTITION BY project_id ORDER BY minute) - 1) / 200 AS part
      FROM (SELECT DISTINCT project_id, date_trunc('minute', started_at, 'UTC') AS minute FROM telemetry_execution
           ) AS happened) AS parted
GROUP BY project_id, part
ORDER BY project_id, part
"""


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0014_marks_by_day'),
    ]

    operations = [
        migrations.CreateModel(
            name='RunMark',
            fields=[
                ('pk', models.CompositePrimaryKey('project_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('project_id', models.BigIntegerField()),
                ('id', models.BigIntegerField()),
                ('minutes', django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), size=None)),
            ],
            options={
                'db_table': 'telemetry_run_mark',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Report',
            fields=[
                ('pk', models.CompositePrimaryKey('project_id', 'kind', 'first_day', blank=True, editable=False, primary_key=True, serialize=False)),
                ('project_id', models.BigIntegerField()),
                ('kind', models.TextField(choices=[('daily', 'Daily'), ('weekly', 'Weekly'), ('monthly', 'Monthly')])),
                ('first_day', models.DateField()),
                ('last_day', models.DateField()),
                ('document', models.JSONField()),
                ('made_at', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='project',
            name='observed_at_hour',
            field=models.PositiveSmallIntegerField(default=1, help_text="The hour of the project's zone at which the day before is judged and reported.", validators=[django.core.validators.MaxValueValidator(23)], verbose_name='observed at hour'),
        ),
        migrations.AddField(
            model_name='project',
            name='token_measure',
            field=models.CharField(choices=[('weighted', 'Weighted by price'), ('gross', 'Gross: each token once')], default='weighted', help_text='How detectors count input. Weighted: what is read from a cache counts a tenth, what is written to one 1.25 or 2 times, as it is priced. Gross: each token once.', max_length=10),
        ),
        migrations.CreateModel(
            name='Anomaly',
            fields=[
                ('pk', models.CompositePrimaryKey('project_id', 'execution_id', 'detector', blank=True, editable=False, primary_key=True, serialize=False)),
                ('project_id', models.BigIntegerField()),
                ('execution_id', models.TextField()),
                ('detector', models.TextField(choices=[('context_bloat', 'Context bloat'), ('expensive_task', 'Expensive task'), ('duplicate_work', 'Duplicate work'), ('false_completion', 'False completion'), ('inefficient_task', 'Inefficient task')])),
                ('severity', models.TextField(choices=[('high', 'High'), ('medium', 'Medium')])),
                ('started_at', models.DateTimeField()),
                ('task_id', models.TextField(db_default='')),
                ('task_type', models.TextField(db_default='')),
                ('agent', models.TextField(db_default='')),
                ('model', models.TextField(db_default='')),
                ('session_id', models.TextField(db_default='')),
                ('tokens', models.BigIntegerField()),
                ('tokens_wasted', models.BigIntegerField()),
                ('evidence', models.JSONField(default=dict)),
                ('state', models.TextField(choices=[('new', 'New'), ('acknowledged', 'Acknowledged'), ('not_waste', 'Not waste'), ('resolved', 'Resolved')], db_default='new')),
                ('state_at', models.DateTimeField(null=True)),
                ('state_by', models.TextField(db_default='')),
                ('note', models.TextField(db_default='')),
                ('found_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'anomalies',
                'indexes': [models.Index(fields=['project_id', 'started_at'], name='anomaly_by_time')],
            },
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('pk', models.CompositePrimaryKey('project_id', 'execution_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('project_id', models.BigIntegerField()),
                ('execution_id', models.TextField()),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('task_key', models.TextField(db_default='')),
                ('task_id', models.TextField(db_default='')),
                ('task_type', models.TextField(db_default='')),
                ('tool', models.TextField(db_default='')),
                ('action', models.TextField(db_default='')),
                ('agent', models.TextField(db_default='')),
                ('host', models.TextField(db_default='')),
                ('model', models.TextField(db_default='')),
                ('session_id', models.TextField(db_default='')),
                ('session_type', models.TextField(db_default='')),
                ('objective', models.TextField(db_default='')),
                ('source', models.TextField(db_default='')),
                ('status', models.TextField(db_default='')),
                ('errors', models.IntegerField(db_default=0)),
                ('duration_ms', models.BigIntegerField(null=True)),
                ('is_cut', models.BooleanField(db_default=False)),
                ('is_provider_fault', models.BooleanField(db_default=False)),
                ('is_verified', models.BooleanField(null=True)),
                ('result_digest', models.TextField(db_default='')),
                ('calls', models.BigIntegerField(db_default=0)),
                ('failed_calls', models.BigIntegerField(db_default=0)),
                ('subagents', models.IntegerField(db_default=0)),
                ('input_uncached', models.BigIntegerField(db_default=0)),
                ('cache_read', models.BigIntegerField(db_default=0)),
                ('cache_write_5m', models.BigIntegerField(db_default=0)),
                ('cache_write_1h', models.BigIntegerField(db_default=0)),
                ('cache_write_unknown', models.BigIntegerField(db_default=0)),
                ('output', models.BigIntegerField(db_default=0)),
                ('reasoning', models.BigIntegerField(db_default=0)),
                ('cost_nanousd', models.BigIntegerField(db_default=0)),
                ('unpriced_calls', models.BigIntegerField(db_default=0)),
                ('first_call_at', models.DateTimeField(null=True)),
                ('last_call_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'telemetry_rollup_run',
                'indexes': [models.Index(fields=['project_id', 'started_at'], name='run_by_time'), models.Index(condition=models.Q(('task_key', ''), _negated=True), fields=['project_id', 'task_key', 'started_at'], name='run_by_task'), models.Index(condition=models.Q(('session_id', ''), _negated=True), fields=['project_id', 'session_id', 'started_at'], name='run_of_session')],
            },
        ),
        migrations.CreateModel(
            name='AllowedWaste',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('detector', models.TextField(choices=[('context_bloat', 'Context bloat'), ('expensive_task', 'Expensive task'), ('duplicate_work', 'Duplicate work'), ('false_completion', 'False completion'), ('inefficient_task', 'Inefficient task')])),
                ('task_type', models.CharField(max_length=200)),
                ('note', models.TextField(blank=True, default='')),
                ('proposed_at', models.DateTimeField(auto_now_add=True)),
                ('accepted_at', models.DateTimeField(blank=True, null=True)),
                ('accepted_by', models.CharField(blank=True, default='', editable=False, max_length=150)),
                ('dismissed_at', models.DateTimeField(blank=True, null=True)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='allowed_waste', to='telemetry.project')),
            ],
            options={
                'verbose_name_plural': 'allowed waste',
                'constraints': [models.UniqueConstraint(fields=('project', 'detector', 'task_type'), name='one_allowance_a_task_type')],
            },
        ),
        migrations.CreateModel(
            name='DetectorRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('detector', models.TextField(choices=[('context_bloat', 'Context bloat'), ('expensive_task', 'Expensive task'), ('duplicate_work', 'Duplicate work'), ('false_completion', 'False completion'), ('inefficient_task', 'Inefficient task')])),
                ('is_enabled', models.BooleanField(default=True)),
                ('threshold', models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True, validators=[django.core.validators.MinValueValidator(0)])),
                ('allowance', models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True, validators=[django.core.validators.MinValueValidator(0)])),
                ('floor_tokens', models.PositiveBigIntegerField(blank=True, null=True)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='detector_rules', to='telemetry.project')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('project', 'detector'), name='one_rule_a_detector')],
            },
        ),
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=40)),
                ('period', models.CharField(max_length=20)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('dead', 'Dead: failed three times')], default='waiting', max_length=10)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('lease', models.UUIDField(editable=False, null=True)),
                ('lease_until_at', models.DateTimeField(editable=False, null=True)),
                ('not_before_at', models.DateTimeField()),
                ('created_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('error', models.TextField(blank=True, default='')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='jobs', to='telemetry.project')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state__in', ('waiting', 'running'))), fields=['not_before_at'], name='job_to_do')],
                'constraints': [models.UniqueConstraint(fields=('kind', 'project', 'period'), name='one_job_a_period')],
            },
        ),
        migrations.RunSQL(MARKS, "DROP TABLE telemetry_run_mark"),
        migrations.RunSQL(VACUUMED, migrations.RunSQL.noop),
        migrations.RunSQL(ALL_IS_MARKED, migrations.RunSQL.noop),
    ]
