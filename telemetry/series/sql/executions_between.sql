-- The executions with totals to compare that began or may have calls in spans of time, with when their calls were:
-- those that name them, and those of their session while they ran.
WITH changed AS MATERIALIZED (
    SELECT range_agg(tstzrange(started_at, ended_at)) AS spans
    FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS span (started_at, ended_at)
), sent AS MATERIALIZED (
    SELECT execution_id, started_at,
           CASE WHEN called_from_at - %(slack)s::interval <= started_at + %(after)s::interval
                     AND called_to_at + %(slack)s::interval >= started_at - %(before)s::interval
                THEN tstzrange(greatest(called_from_at - %(slack)s::interval, started_at - %(before)s::interval),
                               least(called_to_at + %(slack)s::interval, started_at + %(after)s::interval), '[]')
           END AS named,
           CASE WHEN session_id <> '' AND duration_ms >= 0
                THEN tstzrange(started_at, started_at + least(duration_ms * interval '1 millisecond',
                                                              %(after)s::interval), '[]')
           END AS ran
    FROM telemetry_execution
    WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s AND has_calls
      AND (sent_input_tokens IS NOT NULL OR sent_output_tokens IS NOT NULL)
      AND (started_at >= %(first)s OR called_to_at + %(slack)s::interval >= %(first)s
           OR (session_id <> '' AND started_at + duration_ms * interval '1 millisecond' >= %(first)s))
)
SELECT execution_id, lower(near.span), upper(near.span)
FROM changed CROSS JOIN sent CROSS JOIN LATERAL (VALUES (named), (ran)) AS near (span)
WHERE near.span IS NOT NULL
  AND (changed.spans @> sent.started_at OR changed.spans && sent.named OR changed.spans && sent.ran)
