-- Calls of a window, each as a row of a rollup that stands for this call alone.
SELECT started_at AS at, provider, model, agent, host, session_type, task_type, tier, session_id, subagent_id,
       execution_id, objective, skill, source, 1 AS calls, input_uncached, cache_read, cache_write_5m, cache_write_1h,
       cache_write_unknown, output, reasoning, coalesce(cost_reported_nanousd, cost_computed_nanousd) AS cost_nanousd,
       (coalesce(cost_reported_nanousd, cost_computed_nanousd) IS NULL)::int AS unpriced_calls,
       (cost_reported_nanousd IS NOT NULL AND cost_computed_nanousd IS NOT NULL)::int AS compared_calls,
       CASE WHEN cost_computed_nanousd IS NOT NULL THEN cost_reported_nanousd END AS compared_reported_nanousd,
       CASE WHEN cost_reported_nanousd IS NOT NULL THEN cost_computed_nanousd END AS compared_computed_nanousd,
       array_remove(ARRAY[width_bucket(duration_ms, %(bin_edges)s::int8[])], NULL) AS duration_bins,
       array_remove(ARRAY[(duration_ms IS NOT NULL)::int], 0) AS duration_counts,
       ARRAY[width_bucket(input_uncached + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown + output,
                          %(bin_edges)s::int8[])] AS tokens_bins, ARRAY[1] AS tokens_counts
FROM telemetry_call
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
