-- The zone that a project's daily rows are cut in, and its newest call that rollups know.
SELECT zone, newest_call_at FROM telemetry_rollup_state WHERE project_id = %(project)s
