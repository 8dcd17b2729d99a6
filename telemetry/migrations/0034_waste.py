"""What anomalies come to, by quarter of an hour and by day, of what is there; and lists of anomalies in order of waste and
of a session, without reading all of a range."""

from django.db import migrations, models

VACUUMED = """
ALTER TABLE telemetry_rollup_waste_{table}
SET (autovacuum_vacuum_scale_factor = 0.005, autovacuum_vacuum_threshold = 5000);
"""

# What series/waste_sums.py makes, of all projects at once; each after what it is made of.
FILL_QUARTERS = """
INSERT INTO telemetry_rollup_waste_15m (project_id, bucket, series_id, agent, model, task_type, detector, severity, state,
                                        anomalies, tokens_wasted, tokens_once)
SELECT project_id, bucket,
       encode(substr(sha256(convert_to(ROW(agent, model, task_type, detector, severity, state)::text, 'UTF8')), 1, 16),
              'hex')::uuid,
       agent, model, task_type, detector, severity, state, sum(anomalies), sum(tokens_wasted), sum(tokens_once)
FROM (
    WITH found AS NOT MATERIALIZED (
        SELECT project_id, date_bin('15 minutes', started_at, 'epoch') AS bucket, execution_id, agent, model, task_type,
               detector, severity, state, tokens_wasted, least(tokens_wasted, tokens) AS tokens_once
        FROM telemetry_anomaly
        WHERE state = 'new' OR NOT evidence @> '{"holds": false}'
    )
    SELECT project_id, bucket, agent, model, task_type, detector, severity, state, 1 AS anomalies, tokens_wasted,
           tokens_once
    FROM found
    UNION ALL
    SELECT project_id, bucket, max(agent COLLATE "C"), max(model COLLATE "C"), max(task_type COLLATE "C"), '', '', '', 1,
           max(tokens_once), max(tokens_once)
    FROM found WHERE state <> 'not_waste'
    GROUP BY project_id, bucket, execution_id
) AS part
GROUP BY project_id, bucket, agent, model, task_type, detector, severity, state
"""
FILL_BRIEF_QUARTERS = """
INSERT INTO telemetry_rollup_waste_brief_15m (project_id, bucket, series_id, detector, severity, state, anomalies,
                                              tokens_wasted, tokens_once)
SELECT project_id, bucket,
       encode(substr(sha256(convert_to(ROW(detector, severity, state)::text, 'UTF8')), 1, 16), 'hex')::uuid,
       detector, severity, state, sum(anomalies), sum(tokens_wasted), sum(tokens_once)
FROM telemetry_rollup_waste_15m
GROUP BY project_id, bucket, detector, severity, state
"""
FILL_DAYS = """
INSERT INTO telemetry_rollup_waste_1d (project_id, bucket, series_id, agent, model, task_type, detector, severity, state, anomalies,
                                              tokens_wasted, tokens_once)
SELECT project_id, date_bin('1 day', bucket, 'epoch') AS bucket,
       encode(substr(sha256(convert_to(ROW(agent, model, task_type, detector, severity, state)::text, 'UTF8')), 1, 16), 'hex')::uuid,
       agent, model, task_type, detector, severity, state, sum(anomalies), sum(tokens_wasted), sum(tokens_once)
FROM telemetry_rollup_waste_15m
GROUP BY project_id, date_bin('1 day', bucket, 'epoch'), agent, model, task_type, detector, severity, state
"""
FILL_BRIEF_DAYS = """
INSERT INTO telemetry_rollup_waste_brief_1d (project_id, bucket, series_id, detector, severity, state, anomalies,
                                              tokens_wasted, tokens_once)
SELECT project_id, date_bin('1 day', bucket, 'epoch') AS bucket,
       encode(substr(sha256(convert_to(ROW(detector, severity, state)::text, 'UTF8')), 1, 16), 'hex')::uuid,
       detector, severity, state, sum(anomalies), sum(tokens_wasted), sum(tokens_once)
FROM telemetry_rollup_waste_brief_15m
GROUP BY project_id, date_bin('1 day', bucket, 'epoch'), detector, severity, state
"""
FILLED = (FILL_QUARTERS, FILL_BRIEF_QUARTERS, FILL_DAYS, FILL_BRIEF_DAYS)


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0033_key_session_type'),
    ]

    operations = [
        migrations.CreateModel(
            name='BriefWasteDay',
            fields=[
                ('project_id', models.BigIntegerField()),
                ('bucket', models.DateTimeField()),
                ('series_id', models.UUIDField()),
                ('detector', models.TextField()),
                ('severity', models.TextField()),
                ('state', models.TextField()),
                ('anomalies', models.BigIntegerField()),
                ('tokens_wasted', models.DecimalField(decimal_places=0, max_digits=38)),
                ('tokens_once', models.DecimalField(decimal_places=0, max_digits=38)),
                ('pk', models.CompositePrimaryKey('project_id', 'bucket', 'series_id', blank=True, editable=False, primary_key=True, serialize=False)),
            ],
            options={
                'db_table': 'telemetry_rollup_waste_brief_1d',
            },
        ),
        migrations.CreateModel(
            name='BriefWasteQuarter',
            fields=[
                ('project_id', models.BigIntegerField()),
                ('bucket', models.DateTimeField()),
                ('series_id', models.UUIDField()),
                ('detector', models.TextField()),
                ('severity', models.TextField()),
                ('state', models.TextField()),
                ('anomalies', models.BigIntegerField()),
                ('tokens_wasted', models.DecimalField(decimal_places=0, max_digits=38)),
                ('tokens_once', models.DecimalField(decimal_places=0, max_digits=38)),
                ('pk', models.CompositePrimaryKey('project_id', 'bucket', 'series_id', blank=True, editable=False, primary_key=True, serialize=False)),
            ],
            options={
                'db_table': 'telemetry_rollup_waste_brief_15m',
            },
        ),
        migrations.CreateModel(
            name='WasteDay',
            fields=[
                ('project_id', models.BigIntegerField()),
                ('bucket', models.DateTimeField()),
                ('series_id', models.UUIDField()),
                ('detector', models.TextField()),
                ('severity', models.TextField()),
                ('state', models.TextField()),
                ('anomalies', models.BigIntegerField()),
                ('tokens_wasted', models.DecimalField(decimal_places=0, max_digits=38)),
                ('tokens_once', models.DecimalField(decimal_places=0, max_digits=38)),
                ('agent', models.TextField()),
                ('model', models.TextField()),
                ('task_type', models.TextField()),
                ('pk', models.CompositePrimaryKey('project_id', 'bucket', 'series_id', blank=True, editable=False, primary_key=True, serialize=False)),
            ],
            options={
                'db_table': 'telemetry_rollup_waste_1d',
            },
        ),
        migrations.CreateModel(
            name='WasteQuarter',
            fields=[
                ('project_id', models.BigIntegerField()),
                ('bucket', models.DateTimeField()),
                ('series_id', models.UUIDField()),
                ('detector', models.TextField()),
                ('severity', models.TextField()),
                ('state', models.TextField()),
                ('anomalies', models.BigIntegerField()),
                ('tokens_wasted', models.DecimalField(decimal_places=0, max_digits=38)),
                ('tokens_once', models.DecimalField(decimal_places=0, max_digits=38)),
                ('agent', models.TextField()),
                ('model', models.TextField()),
                ('task_type', models.TextField()),
                ('pk', models.CompositePrimaryKey('project_id', 'bucket', 'series_id', blank=True, editable=False, primary_key=True, serialize=False)),
            ],
            options={
                'db_table': 'telemetry_rollup_waste_15m',
            },
        ),
        migrations.AddIndex(
            model_name='anomaly',
            index=models.Index(models.F('project_id'), models.ExpressionWrapper(models.Q(('severity', 'high')), output_field=models.BooleanField()), models.F('tokens_wasted'), models.F('started_at'), name='anomaly_by_waste'),
        ),
        migrations.AddIndex(
            model_name='anomaly',
            index=models.Index(condition=models.Q(('session_id', ''), _negated=True), fields=['project_id', 'session_id', 'started_at'], name='anomaly_of_session'),
        ),
        *(
            migrations.RunSQL(VACUUMED.format(table=table), migrations.RunSQL.noop)
            for table in ("15m", "1d", "brief_15m", "brief_1d")
        ),
        *(migrations.RunSQL(one, migrations.RunSQL.noop) for one in FILLED),
    ]
