-- Delete what was refused and lowered long ago.
DELETE FROM telemetry_budget_curb WHERE project_id = %(project)s AND last_at < %(kept_from)s
