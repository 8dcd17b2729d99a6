-- Forget runs whose executions are gone.
DELETE FROM telemetry_rollup_run WHERE project_id = %(project)s AND execution_id = ANY(%(keys)s) RETURNING execution_id
