-- Delete the runs of executions.
DELETE FROM telemetry_rollup_run WHERE project_id = %(project)s AND execution_id = ANY(%(keys)s)
