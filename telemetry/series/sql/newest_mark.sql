-- The newest mark of a project.
SELECT max(id) FROM telemetry_dirty WHERE project_id = %(project)s
