-- The newest runs of a task but one.
SELECT {columns}
FROM telemetry_rollup_run
WHERE project_id = %(project)s AND task_key = %(task)s AND task_key <> '' AND execution_id <> %(execution)s
ORDER BY started_at DESC, execution_id
LIMIT %(limit)s
