-- What the tasks that began in a span add up to. Executions that stand for a session's counters are no tasks.
SELECT count(*) AS tasks, sum(calls) AS calls, sum(input_uncached) AS input_uncached, sum(cache_read) AS cache_read,
       sum(cache_write_5m) AS cache_write_5m, sum(cache_write_1h) AS cache_write_1h,
       sum(cache_write_unknown) AS cache_write_unknown, sum(output) AS output, sum(cost_nanousd) AS cost_nanousd,
       sum(unpriced_calls) AS unpriced_calls
FROM telemetry_rollup_run
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
  AND execution_id NOT LIKE 'meter:%%'
