"""Marks of a day lie together, so that a fold takes all of a day at once, however many batches brought them."""

from django.db import migrations

BY_DAY = (
    "ALTER TABLE telemetry_dirty DROP CONSTRAINT telemetry_dirty_pkey",  # each apart, for Citus
    "ALTER TABLE telemetry_dirty ADD COLUMN day date",
    """INSERT INTO telemetry_dirty (project_id, day, minutes)
       SELECT project_id, (minute AT TIME ZONE 'UTC')::date AS day, array_agg(DISTINCT minute)
       FROM telemetry_dirty CROSS JOIN unnest(minutes) AS minute GROUP BY project_id, 2 ORDER BY project_id, 2""",
    "DELETE FROM telemetry_dirty WHERE day IS NULL",
    "ALTER TABLE telemetry_dirty ALTER COLUMN day SET NOT NULL",
    "ALTER TABLE telemetry_dirty ADD PRIMARY KEY (project_id, day, id)",
)
BY_ID = (
    "ALTER TABLE telemetry_dirty DROP CONSTRAINT telemetry_dirty_pkey",
    "ALTER TABLE telemetry_dirty DROP COLUMN day",
    "ALTER TABLE telemetry_dirty ADD PRIMARY KEY (project_id, id)",
)


class Migration(migrations.Migration):
    dependencies = (("telemetry", "0013_briefs_and_session_totals"),)
    operations = (migrations.RunSQL(BY_DAY, BY_ID),)
