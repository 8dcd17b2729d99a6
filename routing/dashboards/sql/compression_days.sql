-- What making prompts of each tier shorter came to on some days, or would have come to.
SELECT
    tier_id, is_shadow, sum(asked)::bigint, sum(shortened)::bigint, sum(came_tokens)::bigint, sum(saved_tokens)::bigint,
    sum(came_nanousd)::bigint, sum(saved_nanousd)::bigint, sum(fetched)::bigint
FROM routing_compressionday
WHERE project_id = %(project_id)s AND day BETWEEN %(first)s AND %(last)s
GROUP BY tier_id, is_shadow
ORDER BY tier_id, is_shadow;
