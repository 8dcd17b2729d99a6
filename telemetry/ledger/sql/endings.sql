-- How these executions stand, where they said so.
SELECT execution_id, status FROM telemetry_execution
WHERE project_id = %(project)s AND execution_id = ANY(%(keys)s) AND status <> ''
