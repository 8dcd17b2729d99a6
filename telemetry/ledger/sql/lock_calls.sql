-- The same calls as they are now, locked; those that somebody else holds are left out, so that this waits for nobody and
-- can be part of no deadlock.
SELECT id, started_at, provider, model, service_tier, input_uncached, cache_read, cache_write_5m, cache_write_1h,
       cache_write_unknown, output, cost_computed_nanousd, price_version,
       cost_reported_nanousd IS NOT NULL AS is_reported
FROM telemetry_call
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s AND id = ANY(%(ids)s)
FOR UPDATE SKIP LOCKED
