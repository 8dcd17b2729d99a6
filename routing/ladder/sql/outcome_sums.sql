-- What the answers of some days add up to by task type and tier, the most frequent first.
SELECT
    task_type, tier_id, sum(n)::double precision, sum(good), sum(refused)::double precision, sum(log_chars),
    sum(log_chars_squared)
FROM routing_outcomeday
WHERE project_id = %(project_id)s AND day > %(after)s
GROUP BY task_type, tier_id
ORDER BY sum(n) DESC, task_type, tier_id
LIMIT %(most)s;
