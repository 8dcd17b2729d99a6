-- What the runs begun in a span came to, by slice of time and by all that attribution looks at. Runs' ids, and those of
-- tasks, are told apart only where something names them. A run's waste counts once, and never above what it came to: it
-- is looked up run by run, whatever the planner thinks.
SELECT width_bucket(run.started_at, %(edges)s::timestamptz[]) AS slice,
       CASE WHEN run.execution_id = ANY(%(runs)s::text[]) THEN run.execution_id ELSE '' END AS run, run.objective AS tag,
       CASE WHEN run.task_id = ANY(%(items)s::text[]) OR run.task_id LIKE ANY(%(patterns)s::text[])
            THEN run.task_id ELSE '' END AS task,
       run.task_type, run.agent, count(*) AS runs,
       count(*) FILTER (WHERE lower(run.status) = ANY(%(done)s::text[])) AS done,
       count(*) FILTER (WHERE lower(run.status) = ANY(%(failed)s::text[])) AS failed,
       sum(run.calls) AS calls, sum(run.unpriced_calls) AS unpriced_calls,
       sum(run.input_uncached::numeric + run.cache_read + run.cache_write_5m + run.cache_write_1h
           + run.cache_write_unknown + run.output) AS tokens,
       coalesce(sum(wasted.tokens), 0) AS tokens_wasted, sum(run.cost_nanousd) AS cost_nanousd
FROM telemetry_rollup_run AS run
CROSS JOIN LATERAL (
    SELECT max(least(tokens_wasted, tokens)) AS tokens
    FROM telemetry_anomaly
    WHERE project_id = %(project)s AND execution_id = run.execution_id
      AND state <> 'not_waste' AND NOT evidence @> '{"holds": false}'
) AS wasted
WHERE run.project_id = %(project)s AND run.started_at >= %(start)s AND run.started_at < %(end)s
  AND NOT starts_with(run.execution_id, 'meter:')
GROUP BY 1, 2, 3, 4, 5, 6
