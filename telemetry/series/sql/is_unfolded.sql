-- Whether minutes before a moment wait to be counted.
SELECT EXISTS (
    SELECT FROM telemetry_dirty
    WHERE project_id = %(project)s AND %(before)s > ANY(minutes))
