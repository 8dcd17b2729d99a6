-- The agents, models and task types of the tasks of a span, each way of grouping on its own: the `limit` with the most
-- tokens, then what the others add up to. A task's waste counts once, and never above what the task came to.
WITH tasks AS (
    SELECT run.agent, run.model, run.task_type, run.cost_nanousd, run.unpriced_calls, run.calls,
           input_uncached::numeric + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown + output
               AS tokens,
           waste.tokens_wasted
    FROM telemetry_rollup_run AS run
    LEFT JOIN (SELECT execution_id, max(least(tokens_wasted, tokens)) AS tokens_wasted
               FROM telemetry_anomaly
               WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
                 AND state <> 'not_waste' AND NOT evidence @> '{"holds": false}'
               GROUP BY execution_id) AS waste USING (execution_id)
    WHERE run.project_id = %(project)s AND run.started_at >= %(start)s AND run.started_at < %(end)s
      AND execution_id NOT LIKE 'meter:%%'
), grouped AS (
    SELECT CASE WHEN grouping(agent) = 0 THEN 'agent' WHEN grouping(model) = 0 THEN 'model' ELSE 'task_type' END
               AS dimension,
           CASE WHEN grouping(agent) = 0 THEN agent WHEN grouping(model) = 0 THEN model ELSE task_type END AS name,
           count(*) AS tasks, sum(tokens) AS tokens, sum(cost_nanousd) AS cost_nanousd,
           sum(unpriced_calls) AS unpriced_calls, sum(calls) AS calls, coalesce(sum(tokens_wasted), 0) AS tokens_wasted
    FROM tasks
    GROUP BY GROUPING SETS ((agent), (model), (task_type))
), ranked AS (
    SELECT *, least(row_number() OVER (PARTITION BY dimension ORDER BY tokens DESC, tasks DESC, name),
                    %(limit)s::int8 + 1) AS place
    FROM grouped
)
SELECT dimension, place > %(limit)s::int8 AS is_others, CASE WHEN count(*) = 1 THEN min(name) ELSE '' END AS name,
       count(*) AS names, sum(tasks) AS tasks, sum(tokens) AS tokens, sum(cost_nanousd) AS cost_nanousd,
       sum(unpriced_calls) AS unpriced_calls, sum(calls) AS calls, sum(tokens_wasted) AS tokens_wasted
FROM ranked
GROUP BY dimension, place
ORDER BY dimension, place
