-- What came of an errand, unless it is no longer this runner's; what was asked is forgotten.
UPDATE routing_errand
SET state = %(state)s, answer = %(answer)s::jsonb, error = %(error)s, finished_at = now(), body = NULL, lease = NULL,
    leased_until = NULL, call_back_at = CASE WHEN callback <> '' THEN now() END
WHERE lease = %(lease)s AND state = 'running'
RETURNING id;
