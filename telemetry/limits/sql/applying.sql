-- The budgets under which something falls, and what its session has used of those that are for a session.
WITH known AS MATERIALIZED (
    SELECT session_type FROM telemetry_session WHERE project_id = %(project)s AND session_id = %(session)s::text
), used AS MATERIALIZED (
    SELECT agent, task_type, tier,
           sum(100 * input_uncached::numeric + 10 * cache_read::numeric + 200 * cache_write_1h::numeric
               + 125 * (cache_write_5m::numeric + cache_write_unknown) + 100 * output::numeric) AS weighted_hundredths,
           sum(input_uncached::numeric + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown + output)
               AS gross,
           sum(cost_nanousd) AS nanousd
    FROM telemetry_rollup_session_1d
    WHERE project_id = %(project)s AND session_id = %(session)s::text AND session_id <> ''
    GROUP BY agent, task_type, tier
), named (scope, subject) AS (
    VALUES ('project', ''),
           ('session_type', coalesce(nullif(%(session_type)s::text, ''), (SELECT session_type FROM known), '')),
           ('session', %(session)s::text),
           ('agent', %(agent)s::text),
           ('task_type', %(task_type)s::text),
           ('tier', %(tier)s::text),
           ('objective', %(objective)s::text),
           ('key', coalesce((SELECT prefix FROM telemetry_apikey WHERE project_id = %(project)s AND id = %(key)s::int8), ''))
), ranked AS MATERIALIZED (
    SELECT budget.id, budget.scope, named.subject, budget.period, budget.counts, budget.amount, budget.mode,
           budget.is_enabled,
           rank() OVER (PARTITION BY budget.scope, budget.period ORDER BY budget.project_id IS NULL, budget.subject = '')
               AS place
    FROM telemetry_budget AS budget
    JOIN named ON named.scope = budget.scope AND budget.subject IN ('', named.subject)
    WHERE (budget.project_id = %(project)s OR budget.project_id IS NULL)
      AND (named.subject <> '' OR budget.scope = 'project')
)
SELECT ranked.id AS budget_id, ranked.scope, ranked.subject, ranked.period, ranked.counts,
       (CASE WHEN ranked.counts = 'usd' THEN ranked.amount * 1000000000 ELSE ranked.amount END)::int8 AS "limit",
       ranked.mode,
       CASE ranked.period
           WHEN 'run' THEN 0
           WHEN 'session' THEN (
               SELECT least(coalesce(sum(CASE ranked.counts WHEN 'usd' THEN used.nanousd
                                                            WHEN 'gross' THEN used.gross
                                                            ELSE used.weighted_hundredths END), 0)
                            / CASE ranked.counts WHEN 'weighted' THEN 100 ELSE 1 END, 9223372036854775807)::int8
               FROM used
               WHERE (ranked.scope <> 'agent' OR used.agent = ranked.subject)
                 AND (ranked.scope <> 'task_type' OR used.task_type = ranked.subject)
                 AND (ranked.scope <> 'tier' OR used.tier = ranked.subject))
       END AS spent
FROM ranked
WHERE ranked.place = 1 AND ranked.is_enabled
ORDER BY ranked.scope, ranked.period, ranked.counts
