"""Sums by few dimensions, and whole sessions in order of cost: what pages take as long to read at any size."""

import django.contrib.postgres.fields
from django.db import migrations, models


VACUUMED = """
ALTER TABLE telemetry_rollup_{table} SET (autovacuum_vacuum_scale_factor = 0.005, autovacuum_vacuum_threshold = 5000);
"""

# What was folded before there were these tables is folded again.
ALL_IS_DIRTY = """
INSERT INTO telemetry_dirty (project_id, minutes)
SELECT project_id, array_agg(bucket ORDER BY bucket)
FROM (SELECT project_id, bucket, (row_number() OVER (PARTITION BY project_id ORDER BY bucket) - 1) / 200 AS part
      FROM (SELECT DISTINCT project_id, bucket FROM telemetry_rollup_15m) AS folded) AS parted
GROUP BY project_id, part
ORDER BY project_id, part
"""


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0012_differences'),
    ]

    operations = [
        migrations.CreateModel(
            name='BriefDay',
            fields=[
                ('project_id', models.BigIntegerField()),
                ('bucket', models.DateTimeField()),
                ('series_id', models.UUIDField()),
                ('provider', models.TextField()),
                ('model', models.TextField()),
                ('agent', models.TextField()),
                ('task_type', models.TextField()),
                ('calls', models.BigIntegerField()),
                ('input_uncached', models.BigIntegerField()),
                ('cache_read', models.BigIntegerField()),
                ('cache_write_5m', models.BigIntegerField()),
                ('cache_write_1h', models.BigIntegerField()),
                ('cache_write_unknown', models.BigIntegerField()),
                ('output', models.BigIntegerField()),
                ('reasoning', models.BigIntegerField()),
                ('cost_nanousd', models.BigIntegerField()),
                ('unpriced_calls', models.BigIntegerField()),
                ('failed_calls', models.BigIntegerField()),
                ('executions', models.BigIntegerField()),
                ('failed_executions', models.BigIntegerField()),
                ('compared_calls', models.BigIntegerField()),
                ('compared_reported_nanousd', models.BigIntegerField()),
                ('compared_computed_nanousd', models.BigIntegerField()),
                ('first_at', models.DateTimeField(null=True)),
                ('last_at', models.DateTimeField(null=True)),
                ('duration_bins', django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), size=None)),
                ('duration_counts', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ('tokens_bins', django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), size=None)),
                ('tokens_counts', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ('pk', models.CompositePrimaryKey('project_id', 'bucket', 'series_id', blank=True, editable=False, primary_key=True, serialize=False)),
            ],
            options={
                'db_table': 'telemetry_rollup_brief_1d',
            },
        ),
        migrations.CreateModel(
            name='BriefQuarter',
            fields=[
                ('project_id', models.BigIntegerField()),
                ('bucket', models.DateTimeField()),
                ('series_id', models.UUIDField()),
                ('provider', models.TextField()),
                ('model', models.TextField()),
                ('agent', models.TextField()),
                ('task_type', models.TextField()),
                ('calls', models.BigIntegerField()),
                ('input_uncached', models.BigIntegerField()),
                ('cache_read', models.BigIntegerField()),
                ('cache_write_5m', models.BigIntegerField()),
                ('cache_write_1h', models.BigIntegerField()),
                ('cache_write_unknown', models.BigIntegerField()),
                ('output', models.BigIntegerField()),
                ('reasoning', models.BigIntegerField()),
                ('cost_nanousd', models.BigIntegerField()),
                ('unpriced_calls', models.BigIntegerField()),
                ('failed_calls', models.BigIntegerField()),
                ('executions', models.BigIntegerField()),
                ('failed_executions', models.BigIntegerField()),
                ('compared_calls', models.BigIntegerField()),
                ('compared_reported_nanousd', models.BigIntegerField()),
                ('compared_computed_nanousd', models.BigIntegerField()),
                ('first_at', models.DateTimeField(null=True)),
                ('last_at', models.DateTimeField(null=True)),
                ('duration_bins', django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), size=None)),
                ('duration_counts', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ('tokens_bins', django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), size=None)),
                ('tokens_counts', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ('pk', models.CompositePrimaryKey('project_id', 'bucket', 'series_id', blank=True, editable=False, primary_key=True, serialize=False)),
            ],
            options={
                'db_table': 'telemetry_rollup_brief_15m',
            },
        ),
        migrations.CreateModel(
            name='SessionTotal',
            fields=[
                ('pk', models.CompositePrimaryKey('project_id', 'session_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('project_id', models.BigIntegerField()),
                ('session_id', models.TextField()),
                ('cost_nanousd', models.BigIntegerField()),
                ('tokens', models.BigIntegerField()),
                ('first_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'telemetry_rollup_session',
            },
        ),
        migrations.AddIndex(
            model_name='sessionday',
            index=models.Index(fields=['project_id', 'session_id'], name='days_of_session'),
        ),
        migrations.AddIndex(
            model_name='sessiontotal',
            index=models.Index(models.F('project_id'), models.OrderBy(models.F('cost_nanousd'), descending=True), models.OrderBy(models.F('tokens'), descending=True), name='dearest_sessions'),
        ),
        *(
            migrations.RunSQL(VACUUMED.format(table=table), migrations.RunSQL.noop)
            for table in ("brief_15m", "brief_1d", "session")
        ),
        migrations.RunSQL(ALL_IS_DIRTY, migrations.RunSQL.noop),
    ]
