-- The rules of a project that tell of runs that are expected to exceed a budget are due now.
UPDATE telemetry_alertrule SET look_at = %(now)s
WHERE project_id = %(project)s AND kind IN ('overrun_ahead', 'overrun_going') AND is_enabled AND look_at > %(now)s
