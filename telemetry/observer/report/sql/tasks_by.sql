-- What the tasks of a span add up to: in all (dimension ''), and by agent, by model, by task type, of each the `limit`
-- with the most tokens and the sum of the others. A task's waste counts once, and never above what the task came to.
-- Runs and anomalies are both read once, and only what is left of them is grouped in several ways.
WITH used AS (
    SELECT agent, model, task_type, count(*) AS tasks, sum(calls) AS calls, sum(input_uncached) AS input_uncached,
           sum(cache_read) AS cache_read, sum(cache_write_5m) AS cache_write_5m, sum(cache_write_1h) AS cache_write_1h,
           sum(cache_write_unknown) AS cache_write_unknown, sum(output) AS output, sum(cost_nanousd) AS cost_nanousd,
           sum(unpriced_calls) AS unpriced_calls
    FROM telemetry_rollup_run
    WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
      AND execution_id NOT LIKE 'meter:%%'
    GROUP BY agent, model, task_type
), wasted AS (
    SELECT agent, model, task_type, sum(tokens_wasted) AS tokens_wasted
    FROM (SELECT max(agent) AS agent, max(model) AS model, max(task_type) AS task_type,
                 max(least(tokens_wasted, tokens)) AS tokens_wasted
          FROM telemetry_anomaly
          WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
            AND state <> 'not_waste' AND NOT evidence @> '{"holds": false}'
          GROUP BY execution_id) AS run
    GROUP BY agent, model, task_type
), grouped AS (
    SELECT CASE WHEN grouping(agent) = 0 THEN 'agent' WHEN grouping(model) = 0 THEN 'model'
                WHEN grouping(task_type) = 0 THEN 'task_type' ELSE '' END AS dimension,
           coalesce(agent, model, task_type, '') AS name, coalesce(sum(tasks), 0) AS tasks,
           coalesce(sum(calls), 0) AS calls, coalesce(sum(input_uncached), 0) AS input_uncached,
           coalesce(sum(cache_read), 0) AS cache_read, coalesce(sum(cache_write_5m), 0) AS cache_write_5m,
           coalesce(sum(cache_write_1h), 0) AS cache_write_1h,
           coalesce(sum(cache_write_unknown), 0) AS cache_write_unknown, coalesce(sum(output), 0) AS output,
           coalesce(sum(cost_nanousd), 0) AS cost_nanousd, coalesce(sum(unpriced_calls), 0) AS unpriced_calls,
           coalesce(sum(tokens_wasted), 0) AS tokens_wasted
    FROM (SELECT *, NULL::numeric AS tokens_wasted FROM used
          UNION ALL
          SELECT agent, model, task_type, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, tokens_wasted
          FROM wasted) AS parts
    GROUP BY GROUPING SETS ((agent), (model), (task_type), ())
), ranked AS (
    SELECT *, least(row_number() OVER (PARTITION BY dimension ORDER BY
                        input_uncached + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown + output
                        DESC, tasks DESC, name), %(limit)s::int8 + 1) AS place
    FROM grouped
)
SELECT dimension, CASE WHEN count(*) = 1 THEN min(name) ELSE '' END AS name, count(*) AS names, sum(tasks) AS tasks,
       sum(calls) AS calls, sum(input_uncached) AS input_uncached, sum(cache_read) AS cache_read,
       sum(cache_write_5m) AS cache_write_5m, sum(cache_write_1h) AS cache_write_1h,
       sum(cache_write_unknown) AS cache_write_unknown, sum(output) AS output, sum(cost_nanousd) AS cost_nanousd,
       sum(unpriced_calls) AS unpriced_calls, sum(tokens_wasted) AS tokens_wasted
FROM ranked
GROUP BY dimension, place
ORDER BY dimension, place
