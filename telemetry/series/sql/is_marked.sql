-- Whether a project has a mark up to one.
SELECT EXISTS (SELECT FROM telemetry_dirty WHERE project_id = %(project)s AND id <= %(until)s)
