-- The newest calls of a project in a range; without filters it reads the primary key backwards and no more than it
-- returns.
SELECT id::text AS call_id, started_at, agent, model, input_uncached, cache_read,
       cache_write_5m + cache_write_1h + cache_write_unknown AS cache_write, output,
       coalesce(cost_reported_nanousd, cost_computed_nanousd) AS cost_nanousd, duration_ms, source, session_id,
       error_type
FROM telemetry_call
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s {filters}
ORDER BY started_at DESC, id DESC
LIMIT %(limit)s
