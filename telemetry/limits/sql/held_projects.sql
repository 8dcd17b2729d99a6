-- The projects in which some budget is more than looked at, the zone of each, and whether one of them is enforced.
SELECT project.id, project.time_zone, bool_or(budget.mode = 'enforce')
FROM telemetry_project AS project
JOIN telemetry_budget AS budget ON budget.project_id = project.id OR budget.project_id IS NULL
WHERE budget.is_enabled AND budget.mode <> 'shadow'
GROUP BY project.id, project.time_zone
