-- Note that a fold failed, so that it is tried again after a while.
UPDATE telemetry_rollup_state SET folded_at = %(folded_at)s, fold_ms = %(fold_ms)s WHERE project_id = %(project)s
