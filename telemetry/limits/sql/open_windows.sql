-- Make windows where they are missing, and let those that are there know sessions that draw on them. What was made or
-- changed is to be counted before anybody sees it: it is locked until the transaction ends.
INSERT INTO telemetry_budget_window AS known (
    project_id, id, budget_id, scope, subject, period, counts, span, from_at, to_at, sessions, granted, used, reserved,
    counted_at)
SELECT %(project)s, made.id, made.budget_id, made.scope, made.subject, made.period, made.counts, made.span, made.from_at,
       made.to_at, array_remove(ARRAY[made.session_id, made.child_id], ''), made.granted, 0, 0, %(now)s
FROM unnest(%(ids)s::uuid[], %(budgets)s::int8[], %(scopes)s::text[], %(subjects)s::text[], %(periods)s::text[],
            %(counts)s::text[], %(spans)s::text[], %(from)s::timestamptz[], %(to)s::timestamptz[], %(session)s::text[],
            %(child)s::text[], %(limits)s::int8[])
     AS made (id, budget_id, scope, subject, period, counts, span, from_at, to_at, session_id, child_id, granted)
ORDER BY made.id
ON CONFLICT (project_id, id) DO UPDATE
SET sessions = ARRAY (SELECT DISTINCT one FROM unnest(known.sessions || excluded.sessions) AS one ORDER BY one)
WHERE NOT known.sessions @> excluded.sessions
RETURNING known.id
