-- The oldest and newest call of a project in a range: the first and the last quarter hour that has calls say it.
SELECT (SELECT min(first_at) FROM telemetry_rollup_15m
        WHERE project_id = %(project)s AND bucket = (
            SELECT bucket FROM telemetry_rollup_15m
            WHERE project_id = %(project)s AND bucket >= %(start)s AND bucket < %(end)s AND calls > 0
            ORDER BY bucket LIMIT 1)) AS first_call_at,
       (SELECT max(last_at) FROM telemetry_rollup_15m
        WHERE project_id = %(project)s AND bucket = (
            SELECT bucket FROM telemetry_rollup_15m
            WHERE project_id = %(project)s AND bucket >= %(start)s AND bucket < %(end)s AND calls > 0
            ORDER BY bucket DESC LIMIT 1)) AS last_call_at
