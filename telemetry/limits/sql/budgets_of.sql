-- The budgets that are written for a project, and those for every project.
SELECT id AS budget_id, scope, subject, period, counts,
       (CASE WHEN counts = 'usd' THEN amount * 1000000000 ELSE amount END)::int8 AS "limit",
       mode, is_enabled, project_id IS NOT NULL AS is_own
FROM telemetry_budget
WHERE project_id = %(project)s OR project_id IS NULL
ORDER BY scope, subject, period, counts, is_own
