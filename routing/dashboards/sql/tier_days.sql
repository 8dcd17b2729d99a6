-- What some days' attempts of each tier add up to.
SELECT
    tier_id, sum(n)::bigint, sum(refused)::bigint, sum(failed)::bigint, sum(compared)::bigint, sum(bettered)::bigint
FROM routing_outcomeday
WHERE project_id = %(project_id)s AND day BETWEEN %(first)s AND %(last)s
GROUP BY tier_id;
