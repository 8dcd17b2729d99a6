-- What the ledger says was used in windows, as far as it is folded, and what was settled and is not folded yet. Both in
-- one statement: a mark is gone in the same instant in which the sums have what it stood for. A run's sums come later
-- than its marks go, so that what is known of a run only grows. Which key a call was sent with the ledger does not know: of a
-- key counts what was settled with it.
UPDATE telemetry_budget_window AS counted
SET used = least(CASE WHEN counted.scope = 'key' THEN counted.used
                      WHEN counted.period = 'run' THEN greatest(counted.used, ledger.amount)
                      ELSE ledger.amount + waiting.amount END, 4e18)::int8,
    counted_at = %(now)s
FROM telemetry_budget_window AS asked
CROSS JOIN LATERAL (
    SELECT coalesce(CASE
        WHEN asked.scope = 'key' THEN 0
        WHEN asked.period = 'session' THEN (
            SELECT {amount} FROM telemetry_rollup_session_1d
            WHERE project_id = %(project)s AND session_id = ANY(asked.sessions)
              AND (asked.scope <> 'agent' OR agent = asked.subject)
              AND (asked.scope <> 'task_type' OR task_type = asked.subject)
              AND (asked.scope <> 'tier' OR tier = asked.subject))
        WHEN asked.period = 'run' THEN (
            SELECT {amount} FROM telemetry_rollup_run
            WHERE project_id = %(project)s AND execution_id = asked.span)
        WHEN asked.scope = 'objective' THEN (
            SELECT {amount} FROM telemetry_rollup_run
            WHERE project_id = %(project)s AND started_at >= asked.from_at AND started_at < asked.to_at
              AND objective = asked.subject)
        WHEN asked.scope IN ('project', 'agent', 'task_type') THEN (
            SELECT {amount} FROM telemetry_rollup_brief_1d
            WHERE project_id = %(project)s AND bucket >= asked.from_at AND bucket < asked.to_at
              AND (asked.scope <> 'agent' OR agent = asked.subject)
              AND (asked.scope <> 'task_type' OR task_type = asked.subject))
        ELSE (
            SELECT {amount} FROM telemetry_rollup_1d
            WHERE project_id = %(project)s AND bucket >= asked.from_at AND bucket < asked.to_at
              AND (asked.scope <> 'session_type' OR session_type = asked.subject)
              AND (asked.scope <> 'tier' OR tier = asked.subject))
    END, 0) AS amount
) AS ledger
CROSS JOIN LATERAL (
    SELECT coalesce(sum(CASE WHEN lease.state = 'expired' THEN part.amount
                             WHEN asked.counts = 'usd' THEN lease.nanousd
                             WHEN asked.counts = 'gross' THEN lease.gross
                             ELSE lease.weighted END), 0) AS amount
    FROM telemetry_budget_lease AS lease
    CROSS JOIN LATERAL unnest(lease.windows, lease.amounts) AS part (window_id, amount)
    WHERE lease.project_id = %(project)s AND lease.state <> 'open' AND part.window_id = asked.id AND {is_waiting}
) AS waiting
WHERE counted.project_id = %(project)s AND asked.project_id = %(project)s AND asked.id = ANY(%(ids)s::uuid[])
  AND counted.id = asked.id
