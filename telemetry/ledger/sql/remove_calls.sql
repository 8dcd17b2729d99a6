-- Delete the calls of a project.
DELETE FROM telemetry_call WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
