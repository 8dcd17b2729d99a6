-- What kept answers of each tier came to on some days.
SELECT
    tier_id, sum(asked)::bigint, sum(found)::bigint, sum(unpriced)::bigint, sum(input_tokens)::bigint,
    sum(output_tokens)::bigint, sum(saved_nanousd)::bigint
FROM routing_recallday
WHERE project_id = %(project_id)s AND day BETWEEN %(first)s AND %(last)s
GROUP BY tier_id
ORDER BY tier_id;
