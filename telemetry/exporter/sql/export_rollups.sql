-- The rollups of a range, in the order of the primary key.
SELECT bucket, provider, model, agent, host, session_type, task_type, tier,
       calls, input_uncached, cache_read, cache_write_5m, cache_write_1h, cache_write_unknown, output, reasoning,
       cost_nanousd, unpriced_calls, failed_calls, executions, failed_executions,
       compared_calls, compared_reported_nanousd, compared_computed_nanousd, first_at, last_at,
       coalesce((SELECT string_agg(bin || ':' || n, ' ' ORDER BY bin)
                 FROM unnest(duration_bins, duration_counts) AS d (bin, n)), '') AS durations,
       coalesce((SELECT string_agg(bin || ':' || n, ' ' ORDER BY bin)
                 FROM unnest(tokens_bins, tokens_counts) AS t (bin, n)), '') AS tokens
FROM {table}
WHERE project_id = %(project)s AND bucket >= %(start)s AND bucket < %(end)s
ORDER BY project_id, bucket, series_id
