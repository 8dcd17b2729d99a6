-- Runs that have not ended, of which somebody asked in a time, and that are likely to exceed a budget.
SELECT asked_at AS at, execution_id, agent, coalesce(nullif(task_type, ''), task_id) AS task, task_type, p_exceed,
       level, n, budget_period AS period, budget_counts AS counts, budget_limit AS limit,
       coalesce(budget_spent, 0) AS spent, NULL AS used, NULL AS expected, NULL AS calls
FROM telemetry_forecast
WHERE project_id = %(project)s AND asked_at >= %(start)s AND asked_at <= %(end)s
  AND warns AND is_asked AND ended_at IS NULL AND budget_limit IS NOT NULL
ORDER BY p_exceed DESC, asked_at DESC, id
LIMIT %(most)s
