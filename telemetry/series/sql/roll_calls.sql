-- Sum up the calls and executions of spans of time, by session and dimensions, each span into the bucket of its start.
-- The project comes from the rows, so that where projects are shards no row leaves its own. OFFSET 0: span by span, for a
-- planner without statistics would read all that lies between the first and the last, and hold each row against each span.
INSERT INTO telemetry_rollup_1m (project_id, bucket, session_id, series_id, {dimensions}, {measures}, first_at, last_at,
                                 duration_bins, duration_counts, tokens_bins, tokens_counts)
SELECT project_id, bucket, session_id, {series} AS series_id, {dimensions}, {measures}, first_at, last_at,
       coalesce(duration.bins, '{{}}'), coalesce(duration.counts, '{{}}'),
       coalesce(token.bins, '{{}}'), coalesce(token.counts, '{{}}')
FROM (
    SELECT project_id, span.started_at AS bucket, session_id, {dimensions}, {sums}, min(called_at) AS first_at,
           max(called_at) AS last_at, array_agg(duration_bin) FILTER (WHERE duration_bin IS NOT NULL) AS duration_bins,
           array_agg(tokens_bin) FILTER (WHERE tokens_bin IS NOT NULL) AS tokens_bins
    FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS span (started_at, ended_at)
    CROSS JOIN LATERAL (
        (SELECT project_id, session_id, provider, model, agent, host, session_type, task_type, tier, started_at,
               1 AS calls, input_uncached, cache_read, cache_write_5m, cache_write_1h, cache_write_unknown, output,
               reasoning, coalesce(cost_reported_nanousd, cost_computed_nanousd) AS cost_nanousd,
               (coalesce(cost_reported_nanousd, cost_computed_nanousd) IS NULL)::int4 AS unpriced_calls,
               (error_type <> '')::int4 AS failed_calls, 0 AS executions, 0 AS failed_executions,
               (cost_reported_nanousd IS NOT NULL AND cost_computed_nanousd IS NOT NULL)::int4 AS compared_calls,
               CASE WHEN cost_computed_nanousd IS NOT NULL THEN cost_reported_nanousd END AS compared_reported_nanousd,
               CASE WHEN cost_reported_nanousd IS NOT NULL THEN cost_computed_nanousd END AS compared_computed_nanousd,
               width_bucket(duration_ms, %(edges)s::int8[])::int2 AS duration_bin,
               width_bucket(input_uncached + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown
                            + output, %(edges)s::int8[])::int2 AS tokens_bin
        FROM telemetry_call
        WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
          AND started_at >= span.started_at AND started_at < span.ended_at
        OFFSET 0)
        UNION ALL
        (SELECT project_id, session_id, '', model, agent, '', session_type, task_type, '', NULL,
               0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, (status IN ('failed', 'failure', 'error') OR errors <> '[]')::int4,
               0, 0, 0, NULL, NULL
        FROM telemetry_execution
        WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
          AND started_at >= span.started_at AND started_at < span.ended_at AND execution_id NOT LIKE 'meter:%%'
        OFFSET 0)
    ) AS happened (project_id, session_id, provider, model, agent, host, session_type, task_type, tier, called_at,
                   {measures}, duration_bin, tokens_bin)
    GROUP BY project_id, span.started_at, session_id, {dimensions}
) AS rolled
CROSS JOIN LATERAL (
    SELECT array_agg(bin ORDER BY bin) AS bins, array_agg(number ORDER BY bin) AS counts
    FROM (SELECT bin, count(*) AS number FROM unnest(rolled.duration_bins) AS bin GROUP BY bin) AS counted
) AS duration
CROSS JOIN LATERAL (
    SELECT array_agg(bin ORDER BY bin) AS bins, array_agg(number ORDER BY bin) AS counts
    FROM (SELECT bin, count(*) AS number FROM unnest(rolled.tokens_bins) AS bin GROUP BY bin) AS counted
) AS token
