-- The errand that is next, for whoever runs it: one of the project that has the fewest running, the oldest first.
UPDATE routing_errand AS errand
SET state = 'running', lease = %(lease)s, leased_until = now() + %(lease_s)s * interval '1 second',
    attempts = attempts + 1
WHERE id = (
    SELECT due.id
    FROM routing_errand AS due
    WHERE
        due.due_at <= now() AND due.attempts < %(most)s
        AND (due.state = 'waiting' OR (due.state = 'running' AND due.leased_until < now()))
    ORDER BY
        (
            SELECT count(*) FROM routing_errand AS busy
            WHERE busy.project_id = due.project_id AND busy.state = 'running' AND busy.leased_until >= now()
        ),
        due.created_at, due.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING errand.id, errand.project_id, errand.key_id, errand.caller, errand.body, errand.attempts, errand.lease;
