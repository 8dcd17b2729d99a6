-- The projects of which some budget was asked.
SELECT DISTINCT project_id FROM telemetry_budget_window ORDER BY project_id
