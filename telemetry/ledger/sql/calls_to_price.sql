-- A page of the calls of one UTC day, in order of time and id, with what their cost is made of.
SELECT id, started_at, provider, model, service_tier, input_uncached, cache_read, cache_write_5m, cache_write_1h,
       cache_write_unknown, output, cost_computed_nanousd, price_version,
       cost_reported_nanousd IS NOT NULL AS is_reported
FROM telemetry_call
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
  AND (started_at, id) > (%(after)s, %(after_id)s) AND model LIKE %(model)s
ORDER BY started_at, id
LIMIT %(limit)s
