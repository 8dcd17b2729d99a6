-- The reporting zone of a project.
SELECT time_zone FROM telemetry_project WHERE id = %(project)s
