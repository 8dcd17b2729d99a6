-- What the runs that began in each of these days add up to, by agent, task type and model; beyond `most` of a day those
-- with the fewest tokens are one, without a name. What a session's counters came to is no run. Each day is looked up by
-- itself, whatever the planner thinks (OFFSET 0).
WITH cell AS MATERIALIZED (
    SELECT span.day, agent, task_type, model, count(*) AS runs, count(*) FILTER (WHERE tokens > 0) AS measured,
           coalesce(sum(ln(tokens)) FILTER (WHERE tokens > 0), 0) AS log_sum,
           coalesce(sum(ln(tokens) ^ 2) FILTER (WHERE tokens > 0), 0) AS log_squares,
           sum(tokens) AS tokens, sum(cost_nanousd) AS cost_nanousd, sum(unpriced_calls) AS unpriced_calls
    FROM unnest(%(days)s::date[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS span (day, from_at, to_at)
    CROSS JOIN LATERAL (
        SELECT agent, task_type, model, cost_nanousd, unpriced_calls,
               input_uncached::float8 + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown + output
               AS tokens
        FROM telemetry_rollup_run
        WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
          AND started_at >= span.from_at AND started_at < span.to_at AND execution_id NOT LIKE 'meter:%%'
        OFFSET 0) AS run
    GROUP BY span.day, agent, task_type, model
), named AS (
    SELECT day, runs, measured, log_sum, log_squares, tokens, cost_nanousd, unpriced_calls,
           CASE WHEN is_named THEN agent ELSE '' END AS agent,
           CASE WHEN is_named THEN task_type ELSE '' END AS task_type,
           CASE WHEN is_named THEN model ELSE '' END AS model
    FROM (SELECT *, row_number() OVER (PARTITION BY day ORDER BY tokens DESC, agent, task_type, model) <= %(most)s
                 AS is_named FROM cell) AS ranked
)
SELECT day, agent, task_type, model, sum(runs)::int8 AS runs, sum(measured)::int8 AS measured, sum(log_sum) AS log_sum,
       sum(log_squares) AS log_squares, least(sum(tokens)::numeric, 9223372036854775807)::int8 AS tokens,
       least(sum(cost_nanousd), 9223372036854775807)::int8 AS cost_nanousd,
       least(sum(unpriced_calls), 9223372036854775807)::int8 AS unpriced_calls
FROM named
GROUP BY day, agent, task_type, model
