"""A run says how soon after another of the same task it began, and an anomaly from what it follows: what is there is
looked through once, or is written anew by the next night."""

from django.db import migrations, models

NOTE_ALL = """
UPDATE telemetry_rollup_run AS run
SET repeats_after_s = noted.seconds
FROM (
    SELECT project_id, execution_id,
           least(floor(extract(epoch FROM started_at - earlier_at)), 2147483647)::int4 AS seconds
    FROM (
        SELECT project_id, execution_id, started_at, lag(started_at) OVER (
                   PARTITION BY project_id, task_key ORDER BY started_at, execution_id) AS earlier_at
        FROM telemetry_rollup_run WHERE task_key <> '' AND NOT is_cut
    ) AS known
    WHERE earlier_at IS NOT NULL
) AS noted
WHERE run.project_id = noted.project_id AND run.execution_id = noted.execution_id
"""


class Migration(migrations.Migration):
    dependencies = (("telemetry", "0030_overruns"),)
    operations = (
        migrations.AddField(model_name="run", name="repeats_after_s", field=models.IntegerField(null=True)),
        migrations.AddField(model_name="anomaly", name="digest", field=models.BigIntegerField(null=True)),
        migrations.RunSQL(NOTE_ALL, migrations.RunSQL.noop),
    )
