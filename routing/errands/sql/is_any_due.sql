-- Whether an errand may be taken now.
SELECT EXISTS (
    SELECT 1 FROM routing_errand
    WHERE
        due_at <= now() AND attempts < %(most)s
        AND (state = 'waiting' OR (state = 'running' AND leased_until < now()))
);
