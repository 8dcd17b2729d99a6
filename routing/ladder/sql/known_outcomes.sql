-- The newest answers of each task type and tier of which it is known whether they were good.
SELECT task_type, tier_id, signals, is_good, would_help
FROM (
    SELECT
        task_type, tier_id, signals, is_good, would_help,
        row_number() OVER (PARTITION BY task_type, tier_id ORDER BY at DESC) AS place
    FROM routing_outcome
    WHERE project_id = %(project_id)s AND is_good IS NOT NULL AND fault = '' AND at > %(after)s
) AS newest
WHERE place <= %(most)s
ORDER BY task_type, tier_id, place;
