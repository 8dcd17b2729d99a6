-- The projects in which a budget refused or lowered a call.
SELECT DISTINCT project_id FROM telemetry_budget_curb ORDER BY project_id
