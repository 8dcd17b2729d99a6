-- Sum up the rows of another rollup, with their histograms, each span of time into the bucket of its start. OFFSET 0:
-- span by span, whatever the planner thinks.
WITH part AS MATERIALIZED (
    SELECT project_id, span.started_at AS at, {series} AS series_id, {dimensions}, {measures}, first_at, last_at,
           duration_bins, duration_counts, tokens_bins, tokens_counts
    FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS span (started_at, ended_at)
    CROSS JOIN LATERAL (
        SELECT * FROM {source}
        WHERE project_id = %(project)s AND bucket >= %(start)s AND bucket < %(end)s
          AND bucket >= span.started_at AND bucket < span.ended_at {those}
        OFFSET 0) AS part
), duration AS (
    SELECT at, series_id, array_agg(bin ORDER BY bin) AS bins, array_agg(number ORDER BY bin) AS counts
    FROM (SELECT at, series_id, bin, least(sum(number), 9223372036854775807)::int8 AS number
          FROM part CROSS JOIN unnest(duration_bins, duration_counts) AS counted (bin, number) GROUP BY 1, 2, 3) AS summed
    GROUP BY at, series_id
), token AS (
    SELECT at, series_id, array_agg(bin ORDER BY bin) AS bins, array_agg(number ORDER BY bin) AS counts
    FROM (SELECT at, series_id, bin, least(sum(number), 9223372036854775807)::int8 AS number
          FROM part CROSS JOIN unnest(tokens_bins, tokens_counts) AS counted (bin, number) GROUP BY 1, 2, 3) AS summed
    GROUP BY at, series_id
), rolled AS (
    SELECT project_id, at, series_id, {dimensions}, {sums}, min(first_at) AS first_at, max(last_at) AS last_at
    FROM part
    GROUP BY project_id, at, series_id, {dimensions}
)
INSERT INTO {table} (project_id, bucket, series_id, {dimensions}, {measures}, first_at, last_at,
                     duration_bins, duration_counts, tokens_bins, tokens_counts)
SELECT project_id, at, series_id, {dimensions}, {measures}, first_at, last_at,
       coalesce(duration.bins, '{{}}'), coalesce(duration.counts, '{{}}'),
       coalesce(token.bins, '{{}}'), coalesce(token.counts, '{{}}')
FROM rolled LEFT JOIN duration USING (at, series_id) LEFT JOIN token USING (at, series_id)
