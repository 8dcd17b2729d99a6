-- A row comes back where minutes before a moment wait to be counted.
SELECT true FROM telemetry_dirty WHERE project_id = %(project)s AND %(before)s > ANY(minutes) LIMIT 1
