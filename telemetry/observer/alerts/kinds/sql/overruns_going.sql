-- Runs that go on, and of which it was first seen in a time that half of what is thinkable exceeds a budget.
SELECT overrun_at AS at, execution_id, agent, coalesce(nullif(task_type, ''), task_id) AS task, task_type,
       coalesce(p_exceed, 0) AS p_exceed, level, n, budget_period AS period, budget_counts AS counts,
       budget_limit AS limit, coalesce(budget_spent, 0) AS spent, overrun_used AS used, overrun_expected AS expected,
       overrun_calls AS calls
FROM telemetry_forecast
WHERE project_id = %(project)s AND overrun_at >= %(start)s AND overrun_at <= %(end)s
  AND ended_at IS NULL AND budget_limit IS NOT NULL AND overrun_expected IS NOT NULL
ORDER BY overrun_expected::float8 / greatest(budget_limit, 1) DESC, overrun_at DESC, id
LIMIT %(most)s
