-- What was expected of these runs, where it is not known yet what became of them.
SELECT id, execution_id, tokens_grid, budget_counts, budget_limit, budget_spent, overrun_at IS NOT NULL AS is_overrun
FROM telemetry_forecast
WHERE project_id = %(project)s AND execution_id = ANY(%(keys)s) AND execution_id <> '' AND ended_at IS NULL
ORDER BY id
