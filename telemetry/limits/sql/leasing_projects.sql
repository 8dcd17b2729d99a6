-- The projects in which something is reserved, or was lately.
SELECT DISTINCT project_id FROM telemetry_budget_lease ORDER BY project_id
