-- What runs that name an objective used, by the bucket in which they began.
SELECT width_bucket(started_at, %(edges)s::timestamptz[]) AS place, objective,
       sum(calls), sum(input_uncached), sum(cache_read), sum(cache_write_5m), sum(cache_write_1h),
       sum(cache_write_unknown), sum(output), sum(reasoning), sum(cost_nanousd), sum(unpriced_calls)
FROM telemetry_rollup_run
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s AND objective <> ''
GROUP BY 1, 2
