-- Forget what was said of a day.
DELETE FROM telemetry_trend WHERE project_id = %(project)s AND day = %(day)s
