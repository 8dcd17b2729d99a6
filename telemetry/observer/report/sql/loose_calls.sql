-- Calls of a span that belong to no task: they name none, and fell into none of their session while it ran; or they
-- stand for what a session's counters showed. Only tasks of their sessions are looked at: mostly there are none. FULL JOIN
-- behind OFFSET 0: a planner without statistics would hold every call against every task.
WITH call AS MATERIALIZED (
    SELECT started_at, CASE WHEN execution_id = '' THEN session_id END AS session_id,
           input_uncached + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown + output AS tokens,
           coalesce(cost_reported_nanousd, cost_computed_nanousd) AS cost_nanousd
    FROM telemetry_call
    WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
      AND (execution_id = '' OR starts_with(execution_id, 'meter:'))
), ran AS MATERIALIZED (
    SELECT session_id, range_agg(tstzrange(started_at, started_at + duration_ms * interval '1 millisecond', '[]')) AS times
    FROM telemetry_rollup_run
    WHERE project_id = %(project)s AND started_at >= %(runs_from)s AND started_at < %(end)s
      AND session_id <> '' AND session_id IN (SELECT session_id FROM call)
      AND duration_ms >= 0 AND NOT starts_with(execution_id, 'meter:')
    GROUP BY session_id
), met AS (
    SELECT call.*, ran.times FROM call FULL JOIN ran ON ran.session_id = call.session_id OFFSET 0
)
SELECT count(*) AS calls, sum(tokens) AS tokens, sum(cost_nanousd) AS cost_nanousd,
       count(*) FILTER (WHERE cost_nanousd IS NULL) AS unpriced_calls
FROM met
WHERE started_at IS NOT NULL AND (times IS NULL OR NOT times @> started_at)
