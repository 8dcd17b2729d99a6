-- How many runs of tasks begin in a window; what a session's counters came to is none.
SELECT count(*)
FROM telemetry_rollup_run
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
  AND execution_id NOT LIKE 'meter:%%'
