-- Why each tier was asked on some days, the most frequent first.
SELECT tier_id, reason, sum(n)::bigint, sum(answered)::bigint, sum(final)::bigint, sum(good)
FROM routing_reasonday
WHERE project_id = %(project_id)s AND day BETWEEN %(first)s AND %(last)s
GROUP BY tier_id, reason
ORDER BY sum(n) DESC, tier_id, reason
LIMIT %(most)s;
