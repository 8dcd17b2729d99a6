-- How far a project is folded.
SELECT project_id, zone, minutes_from_at, folded_at, newest_call_at, fold_ms
FROM telemetry_rollup_state
WHERE project_id = %(project)s
