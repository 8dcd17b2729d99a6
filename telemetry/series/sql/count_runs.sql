-- How many runs began in a range.
SELECT count(*)
FROM telemetry_rollup_run
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
  AND NOT starts_with(execution_id, 'meter:') {filters}
