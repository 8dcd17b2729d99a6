-- Runs that began in a range; what counters of sessions came to is no task.
SELECT {columns}
FROM telemetry_rollup_run
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
  AND NOT starts_with(execution_id, 'meter:') {filters}
ORDER BY {order}
LIMIT %(limit)s OFFSET %(offset)s
