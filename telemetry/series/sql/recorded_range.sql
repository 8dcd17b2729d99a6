-- The first and the last moment of which a project holds a call, an execution or a rollup.
SELECT min(first_at), max(last_at)
FROM (
    SELECT min(started_at) AS first_at, max(started_at) AS last_at FROM telemetry_call
    WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
    UNION ALL
    SELECT min(started_at), max(started_at) FROM telemetry_execution WHERE project_id = %(project)s
    UNION ALL
    SELECT min(bucket), max(bucket) FROM telemetry_rollup_15m WHERE project_id = %(project)s
) AS recorded
