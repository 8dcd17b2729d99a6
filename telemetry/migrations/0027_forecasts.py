"""What runs of each kind came to, and what was expected of each run beside its outcome."""

import django.contrib.postgres.fields
from django.db import migrations, models

# Runs that ended before are learned from too, oldest first.
ALL_ARE_DUE = """
INSERT INTO telemetry_run_learned (project_id, execution_id, due_at)
SELECT project_id, execution_id, coalesce(ended_at, started_at) + interval '1 hour'
FROM telemetry_rollup_run
ORDER BY project_id, execution_id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0023_run_cut_off_calls'),
    ]

    operations = [
        migrations.CreateModel(
            name='KeyStat',
            fields=[
                ('pk', models.CompositePrimaryKey('project_id', 'level', 'key', 'measure', blank=True, editable=False, primary_key=True, serialize=False)),
                ('project_id', models.BigIntegerField()),
                ('level', models.PositiveSmallIntegerField()),
                ('key', models.TextField()),
                ('measure', models.TextField()),
                ('runs', models.BigIntegerField()),
                ('weight', models.FloatField()),
                ('mean_log', models.FloatField()),
                ('m2_log', models.FloatField()),
                ('total', models.FloatField()),
                ('first_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'telemetry_key_stat',
            },
        ),
        migrations.CreateModel(
            name='ResidualPool',
            fields=[
                ('pk', models.CompositePrimaryKey('project_id', 'measure', blank=True, editable=False, primary_key=True, serialize=False)),
                ('project_id', models.BigIntegerField()),
                ('measure', models.TextField()),
                ('scores', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
                ('score_ats', django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), size=None)),
                ('above_q50', models.FloatField()),
                ('above_q90', models.FloatField()),
            ],
            options={
                'db_table': 'telemetry_residual_pool',
            },
        ),
        migrations.CreateModel(
            name='Forecast',
            fields=[
                ('pk', models.CompositePrimaryKey('project_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('project_id', models.BigIntegerField()),
                ('id', models.UUIDField()),
                ('asked_at', models.DateTimeField()),
                ('is_asked', models.BooleanField()),
                ('execution_id', models.TextField(db_default='')),
                ('task_id', models.TextField(db_default='')),
                ('task_type', models.TextField(db_default='')),
                ('tool', models.TextField(db_default='')),
                ('agent', models.TextField(db_default='')),
                ('session_id', models.TextField(db_default='')),
                ('level', models.TextField(db_default='')),
                ('n', models.BigIntegerField(db_default=0)),
                ('runs', models.BigIntegerField(db_default=0)),
                ('tokens_q50', models.BigIntegerField(null=True)),
                ('tokens_q90', models.BigIntegerField(null=True)),
                ('tokens_naive', models.BigIntegerField(null=True)),
                ('tokens_grid', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), null=True, size=None)),
                ('weighted_q50', models.BigIntegerField(null=True)),
                ('weighted_q90', models.BigIntegerField(null=True)),
                ('cost_q50_nanousd', models.BigIntegerField(null=True)),
                ('cost_q90_nanousd', models.BigIntegerField(null=True)),
                ('duration_q50_ms', models.BigIntegerField(null=True)),
                ('duration_q90_ms', models.BigIntegerField(null=True)),
                ('chances', models.JSONField(default=list)),
                ('budget_period', models.TextField(db_default='')),
                ('budget_counts', models.TextField(db_default='')),
                ('budget_limit', models.BigIntegerField(null=True)),
                ('budget_spent', models.BigIntegerField(null=True)),
                ('budget_naive', models.BigIntegerField(null=True)),
                ('budget_used', models.BigIntegerField(null=True)),
                ('p_exceed', models.FloatField(null=True)),
                ('warns', models.BooleanField(db_default=False)),
                ('ended_at', models.DateTimeField(null=True)),
                ('tokens', models.BigIntegerField(null=True)),
                ('cost_nanousd', models.BigIntegerField(null=True)),
                ('duration_ms', models.BigIntegerField(null=True)),
                ('exceeded', models.BooleanField(null=True)),
                ('outcome_share', models.FloatField(null=True)),
                ('overrun_at', models.DateTimeField(null=True)),
                ('overrun_calls', models.BigIntegerField(null=True)),
                ('overrun_used', models.BigIntegerField(null=True)),
                ('overrun_expected', models.BigIntegerField(null=True)),
            ],
            options={
                'db_table': 'telemetry_forecast',
                'indexes': [models.Index(fields=['project_id', 'asked_at'], name='forecast_by_time'), models.Index(condition=models.Q(('execution_id', ''), _negated=True), fields=['project_id', 'execution_id'], name='forecast_of_run')],
            },
        ),
        migrations.CreateModel(
            name='RunLearned',
            fields=[
                ('pk', models.CompositePrimaryKey('project_id', 'execution_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('project_id', models.BigIntegerField()),
                ('execution_id', models.TextField()),
                ('due_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'telemetry_run_learned',
                'indexes': [models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='run_to_learn')],
            },
        ),
        migrations.RunSQL(ALL_ARE_DUE, migrations.RunSQL.noop),
    ]
