-- When the first run of a span of time began; what a session's counters came to is none.
SELECT min(started_at)
FROM telemetry_rollup_run
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
  AND execution_id NOT LIKE 'meter:%%'
