-- The newest calls that budgets refused or lowered, a row an hour and session.
SELECT kind, budget_id, scope, subject, period, counts, session_id, agent, tier, granted, remaining, prompt, wanted, given,
       last_at, calls, first_at
FROM telemetry_budget_curb
WHERE project_id = %(project)s
ORDER BY last_at DESC, id
LIMIT %(most)s
