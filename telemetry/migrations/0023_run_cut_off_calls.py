"""A run says of how many of its calls only the beginning of the output was counted; runs are added up again."""

from django.db import migrations, models

# As in 0015, by the hours of 0017.
ALL_IS_MARKED = """
INSERT INTO telemetry_run_mark (project_id, hour, minutes)
SELECT project_id, date_trunc('hour', minute, 'UTC') AS hour, array_agg(minute ORDER BY minute)
FROM (SELECT DISTINCT project_id, date_trunc('minute', started_at, 'UTC') AS minute FROM telemetry_execution) AS begun
GROUP BY project_id, 2
ORDER BY project_id, 2
"""


class Migration(migrations.Migration):
    dependencies = (("telemetry", "0022_alerts"),)
    operations = (
        migrations.AddField(
            model_name="run", name="cut_off_calls", field=models.BigIntegerField(db_default=0)
        ),
        migrations.RunSQL(ALL_IS_MARKED, migrations.RunSQL.noop),
    )
