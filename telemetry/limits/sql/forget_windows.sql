-- Delete windows that are over for long; one of a session or run where nobody asked it for as long.
DELETE FROM telemetry_budget_window
WHERE project_id = %(project)s AND reserved = 0 AND coalesce(to_at, counted_at) < %(kept_from)s
