-- Sessions in which an execution brought totals of its own, whether these count or have given way to calls.
SELECT DISTINCT session_id FROM telemetry_execution
WHERE project_id = %(project)s AND session_id = ANY(%(sessions)s) AND session_id <> ''
  AND (sent_input_tokens > 0 OR sent_output_tokens > 0) AND execution_id NOT LIKE 'meter:%%'
