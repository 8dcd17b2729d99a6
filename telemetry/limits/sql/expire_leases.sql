-- Leases of which nobody said in time what became of them: all that they hold counts as used. Who is settled just now is
-- left alone.
WITH found AS MATERIALIZED (
    SELECT id, windows, amounts
    FROM telemetry_budget_lease
    WHERE project_id = %(project)s AND state = 'open' AND until_at < %(now)s
    ORDER BY id
    LIMIT %(most)s
    FOR NO KEY UPDATE SKIP LOCKED
), held AS MATERIALIZED (
    SELECT id
    FROM telemetry_budget_window
    WHERE project_id = %(project)s AND id = ANY(ARRAY (SELECT unnest(windows) FROM found))
    ORDER BY id
    FOR NO KEY UPDATE
), change AS MATERIALIZED (
    SELECT held.id, sum(part.amount)::int8 AS amount
    FROM found
    CROSS JOIN LATERAL unnest(found.windows, found.amounts) AS part (window_id, amount)
    JOIN held ON held.id = part.window_id
    GROUP BY held.id
), changed AS (
    UPDATE telemetry_budget_window AS counted
    SET used = counted.used + change.amount, reserved = counted.reserved - change.amount
    FROM change
    WHERE counted.project_id = %(project)s AND counted.id = change.id
)
UPDATE telemetry_budget_lease AS lease
SET state = 'expired', ended_at = %(now)s
FROM found
WHERE lease.project_id = %(project)s AND lease.id = found.id
RETURNING lease.id
