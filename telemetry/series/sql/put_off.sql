-- Note that a fold failed, so that it is tried again after a while: also of a project that was never folded, and so has
-- no days in any zone.
INSERT INTO telemetry_rollup_state (project_id, zone, minutes_from_at, folded_at, fold_ms)
VALUES (%(project)s, %(zone)s, %(minutes_from_at)s, %(folded_at)s, %(fold_ms)s)
ON CONFLICT (project_id) DO UPDATE SET folded_at = excluded.folded_at, fold_ms = excluded.fold_ms
