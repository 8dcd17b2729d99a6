-- The newest reservations that nobody settled in time, and what each is charged with, a row a budget.
SELECT lease.id, lease.created_at, lease.until_at, known.budget_id, known.scope, known.subject, known.counts, part.amount
FROM (
    SELECT id, windows, amounts, created_at, until_at
    FROM telemetry_budget_lease
    WHERE project_id = %(project)s AND state = 'expired'
    ORDER BY until_at DESC, id
    LIMIT %(most)s
) AS lease
CROSS JOIN LATERAL unnest(lease.windows, lease.amounts) AS part (window_id, amount)
JOIN telemetry_budget_window AS known ON known.project_id = %(project)s AND known.id = part.window_id
ORDER BY lease.until_at DESC, lease.id, known.id
