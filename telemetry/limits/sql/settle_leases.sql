-- End leases with what their calls came to. Leases first, then windows, each in the order of their ids. What was settled
-- before changes nothing.
WITH told AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::text[], %(weighted)s::int8[], %(gross)s::int8[], %(nanousd)s::int8[])
         AS told (id, weighted, gross, nanousd)
), found AS MATERIALIZED (
    SELECT id, windows, amounts, state
    FROM telemetry_budget_lease
    WHERE project_id = %(project)s AND id = ANY(%(ids)s::text[]) AND state <> 'settled'
    ORDER BY id
    FOR NO KEY UPDATE
), held AS MATERIALIZED (
    SELECT id, counts
    FROM telemetry_budget_window
    WHERE project_id = %(project)s AND id = ANY(ARRAY (SELECT unnest(windows) FROM found))
    ORDER BY id
    FOR NO KEY UPDATE
), change AS MATERIALIZED (
    SELECT held.id,
           sum(CASE held.counts WHEN 'usd' THEN told.nanousd WHEN 'gross' THEN told.gross ELSE told.weighted END
               - CASE found.state WHEN 'expired' THEN part.amount ELSE 0 END)::int8 AS used,
           sum(CASE found.state WHEN 'open' THEN part.amount ELSE 0 END)::int8 AS freed
    FROM found
    JOIN told ON told.id = found.id
    CROSS JOIN LATERAL unnest(found.windows, found.amounts) AS part (window_id, amount)
    JOIN held ON held.id = part.window_id
    GROUP BY held.id
), changed AS (
    UPDATE telemetry_budget_window AS counted
    SET used = counted.used + change.used, reserved = counted.reserved - change.freed
    FROM change
    WHERE counted.project_id = %(project)s AND counted.id = change.id
)
UPDATE telemetry_budget_lease AS lease
SET state = 'settled', weighted = told.weighted, gross = told.gross, nanousd = told.nanousd, ended_at = %(now)s,
    is_recorded = %(is_recorded)s,
    marked = coalesce((SELECT max(id) FROM telemetry_dirty WHERE project_id = %(project)s), 0)
FROM found JOIN told ON told.id = found.id
WHERE lease.project_id = %(project)s AND lease.id = found.id
RETURNING lease.id
