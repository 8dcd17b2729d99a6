-- The newest mark of a project's runs.
SELECT max(id) FROM telemetry_run_mark WHERE project_id = %(project)s
