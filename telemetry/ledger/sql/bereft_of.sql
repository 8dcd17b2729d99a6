-- When the execution began that a call names, and those of its session that ran at its time: by the indexes of those
-- without calls, and of those with totals.
SELECT started_at FROM telemetry_execution
WHERE project_id = %(project)s AND execution_id = %(execution_id)s AND execution_id <> ''
UNION ALL
SELECT started_at FROM telemetry_execution
WHERE project_id = %(project)s AND session_id = %(session_id)s AND session_id <> '' AND NOT has_calls
  AND started_at <= %(started_at)s AND started_at + duration_ms * interval '1 millisecond' >= %(started_at)s
UNION ALL
SELECT started_at FROM telemetry_execution
WHERE project_id = %(project)s AND session_id = %(session_id)s AND session_id <> ''
  AND (sent_input_tokens > 0 OR sent_output_tokens > 0) AND has_calls
  AND started_at <= %(started_at)s AND started_at + duration_ms * interval '1 millisecond' >= %(started_at)s
