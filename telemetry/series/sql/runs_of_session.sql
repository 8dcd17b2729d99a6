-- The runs of a session, oldest first.
SELECT {columns}
FROM telemetry_rollup_run
WHERE project_id = %(project)s AND session_id = %(session)s AND session_id <> ''
  AND NOT starts_with(execution_id, 'meter:')
ORDER BY started_at, execution_id
LIMIT %(limit)s OFFSET %(offset)s
