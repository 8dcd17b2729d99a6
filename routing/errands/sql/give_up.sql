-- What its workers were killed over as often as it may be tried has failed, and so has what waited for too long.
UPDATE routing_errand
SET state = 'failed', error = CASE WHEN state = 'running' OR error = '' THEN %(error)s ELSE error END,
    finished_at = now(), body = NULL, lease = NULL, leased_until = NULL,
    call_back_at = CASE WHEN callback <> '' THEN now() END
WHERE id IN (
    SELECT id FROM routing_errand
    WHERE
        (state = 'running' AND leased_until < now() AND attempts >= %(most)s)
        OR (state = 'waiting' AND created_at < now() - %(waits_s)s * interval '1 second')
    ORDER BY id
    FOR UPDATE SKIP LOCKED
)
RETURNING id;
