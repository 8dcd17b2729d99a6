"""Marks of runs lie together by the hour, so that a step takes all of one; long executions are marked by name."""

from django.db import migrations, models

BY_HOUR = (
    "ALTER TABLE telemetry_run_mark DROP CONSTRAINT telemetry_run_mark_pkey",  # each apart, for Citus
    "ALTER TABLE telemetry_run_mark DROP CONSTRAINT telemetry_run_mark_minutes_check",
    "ALTER TABLE telemetry_run_mark ADD COLUMN hour timestamptz",
    "ALTER TABLE telemetry_run_mark ADD COLUMN execution_ids text[] NOT NULL DEFAULT '{}'",
    "ALTER TABLE telemetry_run_mark ALTER COLUMN minutes SET DEFAULT '{}'",
    """INSERT INTO telemetry_run_mark (project_id, hour, minutes)
       SELECT project_id, date_trunc('hour', minute, 'UTC') AS hour, array_agg(DISTINCT minute)
       FROM telemetry_run_mark CROSS JOIN unnest(minutes) AS minute GROUP BY project_id, 2 ORDER BY project_id, 2""",
    "DELETE FROM telemetry_run_mark WHERE hour IS NULL",
    "ALTER TABLE telemetry_run_mark ALTER COLUMN hour SET NOT NULL",
    "ALTER TABLE telemetry_run_mark ADD PRIMARY KEY (project_id, hour, id)",
)
BY_ID = (
    "ALTER TABLE telemetry_run_mark DROP CONSTRAINT telemetry_run_mark_pkey",
    "DELETE FROM telemetry_run_mark WHERE cardinality(minutes) = 0",
    "ALTER TABLE telemetry_run_mark DROP COLUMN execution_ids",
    "ALTER TABLE telemetry_run_mark DROP COLUMN hour",
    "ALTER TABLE telemetry_run_mark ADD CONSTRAINT telemetry_run_mark_minutes_check CHECK (cardinality(minutes) > 0)",
    "ALTER TABLE telemetry_run_mark ADD PRIMARY KEY (project_id, id)",
)


class Migration(migrations.Migration):
    dependencies = (("telemetry", "0015_observer"),)
    operations = (
        migrations.RunSQL(BY_HOUR, BY_ID),
        migrations.CreateModel(
            name="RunState",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id", "is_long", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("project_id", models.BigIntegerField()),
                ("is_long", models.BooleanField()),
                ("summed_at", models.DateTimeField()),
                ("sum_ms", models.BigIntegerField()),
            ],
            options={"db_table": "telemetry_run_state"},
        ),
    )
