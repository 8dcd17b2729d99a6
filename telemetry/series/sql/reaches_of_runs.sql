-- Between which moments executions may have calls: those that name them, those of their session while they ran; and
-- whether totals that were sent may count.
SELECT execution_id, started_at,
       greatest(called_from_at - %(slack)s::interval, started_at - %(before)s::interval) AS named_from_at,
       least(called_to_at + %(slack)s::interval, started_at + %(after)s::interval) AS named_to_at,
       CASE WHEN session_id <> '' AND duration_ms >= 0
            THEN started_at + least(duration_ms * interval '1 millisecond', %(after)s::interval) END AS ran_to_at,
       NOT has_calls AND (sent_input_tokens > 0 OR sent_output_tokens > 0) AS has_totals
FROM telemetry_execution
WHERE project_id = %(project)s AND execution_id = ANY(%(keys)s)
