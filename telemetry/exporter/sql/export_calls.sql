-- The calls of a range, in the order of the primary key, so that nothing is sorted before the first one is out.
SELECT started_at, id::text AS id, provider, model, agent, host, session_id, subagent_id, session_type, execution_id,
       task_type, objective, skill, tier, service_tier, source, error_type,
       input_uncached, cache_read, cache_write_5m, cache_write_1h, cache_write_unknown, output, reasoning,
       coalesce(cost_reported_nanousd, cost_computed_nanousd) AS cost_nanousd,
       cost_reported_nanousd, cost_computed_nanousd, cost_kind, price_version, duration_ms, ttft_ms, quality,
       received_at, attributes::text AS attributes
FROM telemetry_call AS call
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
ORDER BY call.started_at, call.id
