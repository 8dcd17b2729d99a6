-- The quarters of an hour in which a session had calls.
SELECT DISTINCT bucket
FROM telemetry_rollup_session_15m
WHERE project_id = %(project)s AND session_id = %(session)s AND bucket >= %(start)s AND bucket < %(end)s AND calls > 0
ORDER BY bucket
