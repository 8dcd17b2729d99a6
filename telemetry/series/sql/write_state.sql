-- Note how far a project is folded. Its newest call is the last one of its newest quarter of an hour that has calls.
INSERT INTO telemetry_rollup_state (project_id, zone, minutes_from_at, folded_at, newest_call_at, fold_ms)
SELECT %(project)s, %(zone)s, %(minutes_from_at)s, %(folded_at)s, max(last_at), %(fold_ms)s
FROM telemetry_rollup_15m
WHERE project_id = %(project)s AND bucket = (
    SELECT bucket FROM telemetry_rollup_15m
    WHERE project_id = %(project)s AND last_at IS NOT NULL ORDER BY bucket DESC LIMIT 1)
ON CONFLICT (project_id) DO UPDATE
SET zone = excluded.zone, minutes_from_at = excluded.minutes_from_at, folded_at = excluded.folded_at,
    newest_call_at = excluded.newest_call_at, fold_ms = excluded.fold_ms
