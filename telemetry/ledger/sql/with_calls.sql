-- Which of these executions have calls of their own. Their rows are locked by the caller.
SELECT execution_id FROM telemetry_execution
WHERE project_id = %(project)s AND execution_id = ANY(%(keys)s) AND has_calls
