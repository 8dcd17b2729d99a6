-- The calls of one session or one run, numbered in order; they are read span by span, whatever the planner thinks
-- (OFFSET 0).
WITH near AS (
    SELECT call.*
    FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS span (from_at, to_at)
    CROSS JOIN LATERAL (
        SELECT id, started_at, session_id, execution_id, model, subagent_id, skill, input_uncached, cache_read, cache_write_5m,
               cache_write_1h, cache_write_unknown, output, reasoning, duration_ms, error_type, quality,
               input_uncached + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown AS context,
               coalesce(cost_reported_nanousd, cost_computed_nanousd) AS cost_nanousd
        FROM telemetry_call
        WHERE project_id = %(project)s AND started_at >= %(start)s::timestamptz AND started_at < %(end)s::timestamptz
          AND started_at >= span.from_at AND started_at < span.to_at AND {near}
        OFFSET 0
    ) AS call
), own AS (
    SELECT *, row_number() OVER (ORDER BY started_at, id) AS number FROM near WHERE {own}
)
