-- Those of these executions whose sent totals may count.
SELECT execution_id FROM telemetry_execution
WHERE project_id = %(project)s AND execution_id = ANY(%(keys)s) AND NOT has_calls
  AND (sent_input_tokens > 0 OR sent_output_tokens > 0)
