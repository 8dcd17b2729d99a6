-- Executions of these sessions whose sent totals still count, and when they ran.
SELECT execution_id, session_id, started_at, started_at + duration_ms * interval '1 millisecond' AS ended_at
FROM telemetry_execution
WHERE project_id = %(project)s AND session_id = ANY(%(sessions)s) AND session_id <> '' AND NOT has_calls
  AND duration_ms IS NOT NULL AND (sent_input_tokens > 0 OR sent_output_tokens > 0)
