-- An errand that nobody can do now waits, unless it is no longer this runner's.
UPDATE routing_errand
SET state = 'waiting', lease = NULL, leased_until = NULL, error = %(error)s, attempts = attempts - 1,
    due_at = now() + %(after_s)s * interval '1 second'
WHERE lease = %(lease)s AND state = 'running'
RETURNING id;
