-- The sums of a window.
SELECT count(*) AS calls,
       coalesce(sum(input_uncached), 0) AS input_uncached,
       coalesce(sum(cache_read), 0) AS cache_read,
       coalesce(sum(cache_write_5m), 0) AS cache_write_5m,
       coalesce(sum(cache_write_1h), 0) AS cache_write_1h,
       coalesce(sum(cache_write_unknown), 0) AS cache_write_unknown,
       coalesce(sum(output), 0) AS output,
       coalesce(sum(reasoning), 0) AS reasoning,
       coalesce(sum(coalesce(cost_reported_nanousd, cost_computed_nanousd)), 0) AS cost_nanousd,
       count(*) FILTER (WHERE cost_reported_nanousd IS NULL AND cost_computed_nanousd IS NULL) AS unpriced_calls
FROM telemetry_call
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s {filters}
