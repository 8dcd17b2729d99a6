-- Answers of runs of which it is not known how they ended, the oldest first.
SELECT id, execution
FROM routing_outcome
WHERE
    project_id = %(project_id)s AND is_good IS NULL AND is_final AND execution <> ''
    AND at > %(after)s AND at <= %(until)s
ORDER BY at
LIMIT %(most)s;
