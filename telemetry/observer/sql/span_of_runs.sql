-- When the first and the last of these executions began.
SELECT min(started_at), max(started_at) FROM telemetry_rollup_run
WHERE project_id = %(project)s AND execution_id = ANY(%(keys)s)
