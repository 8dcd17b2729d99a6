from django.db import migrations, models

# When the calls of the executions that are there began.
FILL = """
UPDATE telemetry_execution AS execution
SET called_from_at = called.from_at, called_to_at = called.to_at
FROM (SELECT project_id, execution_id, min(started_at) AS from_at, max(started_at) AS to_at
      FROM telemetry_call WHERE execution_id <> '' GROUP BY 1, 2) AS called
WHERE execution.project_id = called.project_id AND execution.execution_id = called.execution_id
"""

# They are compared with what was sent by the next fold.
COMPARE = """
INSERT INTO telemetry_dirty (project_id, minutes)
SELECT project_id, array_agg(minute ORDER BY minute)
FROM (SELECT project_id, minute, (row_number() OVER (PARTITION BY project_id ORDER BY minute) - 1) / 200 AS part
      FROM (SELECT DISTINCT project_id, date_trunc('minute', started_at, 'UTC') AS minute FROM telemetry_execution
            WHERE has_calls AND (sent_input_tokens IS NOT NULL OR sent_output_tokens IS NOT NULL)) AS sent) AS parted
GROUP BY project_id, part
ORDER BY project_id, part
"""


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0011_retention'),
    ]

    operations = [
        migrations.AddField(
            model_name='execution',
            name='called_from_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='execution',
            name='called_to_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name='Difference',
            fields=[
                ('pk', models.CompositePrimaryKey('project_id', 'execution_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('project_id', models.BigIntegerField()),
                ('execution_id', models.TextField()),
                ('started_at', models.DateTimeField()),
                ('task_id', models.TextField()),
                ('agent', models.TextField()),
                ('calls', models.BigIntegerField()),
                ('sent_input', models.BigIntegerField(null=True)),
                ('counted_input', models.BigIntegerField()),
                ('sent_output', models.BigIntegerField(null=True)),
                ('counted_output', models.BigIntegerField()),
                ('labels', models.JSONField()),
            ],
            options={
                'db_table': 'telemetry_rollup_difference',
            },
        ),
        migrations.AddIndex(
            model_name='execution',
            index=models.Index(condition=models.Q(('has_calls', True), models.Q(('sent_input_tokens__isnull', False), ('sent_output_tokens__isnull', False), _connector='OR')), fields=['project_id', 'started_at'], name='execution_to_compare'),
        ),
        migrations.AddIndex(
            model_name='difference',
            index=models.Index(fields=['project_id', 'started_at'], name='difference_by_time'),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(COMPARE, migrations.RunSQL.noop),
    ]
