-- When the first and the last call that names one of these executions were, and how many of them are known to have calls.
SELECT min(called_from_at), max(called_to_at), count(called_from_at) FROM telemetry_execution
WHERE project_id = %(project)s AND execution_id = ANY(%(executions)s)
