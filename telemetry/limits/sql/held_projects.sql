-- The projects in which some budget is more than looked at: the zone of each, whether one of them is enforced, whether the
-- session decides which hold, and what changes with any of its budgets.
SELECT project.id, project.time_zone,
       bool_or(budget.is_enabled AND budget.mode = 'enforce'),
       bool_or(budget.is_enabled AND budget.mode <> 'shadow'
               AND (budget.period = 'session' OR budget.scope IN ('session', 'session_type'))),
       md5(string_agg(budget::text, ' ' ORDER BY budget.id))
FROM telemetry_project AS project
JOIN telemetry_budget AS budget ON budget.project_id = project.id OR budget.project_id IS NULL
GROUP BY project.id, project.time_zone
HAVING bool_or(budget.is_enabled AND budget.mode <> 'shadow')
