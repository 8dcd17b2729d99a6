-- Forget what differed of executions.
DELETE FROM telemetry_rollup_difference WHERE project_id = %(project)s AND execution_id = ANY(%(keys)s)
