-- How windows stood when somebody asked or settled last. Nothing is locked.
SELECT id, used, reserved, counted_at
FROM telemetry_budget_window
WHERE project_id = %(project)s AND id = ANY(%(ids)s::uuid[])
