-- Forget what a day came to.
DELETE FROM telemetry_run_day WHERE project_id = %(project)s AND day = %(day)s
