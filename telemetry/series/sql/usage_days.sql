-- The sums of each local day. The edges are made by the reader, in his zone; days count from 1.
SELECT width_bucket(started_at, %(edges)s::timestamptz[]) AS bucket,
       count(*) AS calls,
       sum(input_uncached) AS input_uncached,
       sum(cache_read) AS cache_read,
       sum(cache_write_5m) AS cache_write_5m,
       sum(cache_write_1h) AS cache_write_1h,
       sum(cache_write_unknown) AS cache_write_unknown,
       sum(output) AS output,
       coalesce(sum(reasoning), 0) AS reasoning,
       coalesce(sum(coalesce(cost_reported_nanousd, cost_computed_nanousd)), 0) AS cost_nanousd,
       count(*) FILTER (WHERE cost_reported_nanousd IS NULL AND cost_computed_nanousd IS NULL) AS unpriced_calls
FROM telemetry_call
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s {filters}
GROUP BY 1
ORDER BY 1
