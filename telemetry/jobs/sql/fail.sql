-- An attempt failed: the job waits for the next one, or is dead.
UPDATE telemetry_job
SET state = CASE WHEN attempts >= %(most)s THEN 'dead' ELSE 'waiting' END,
    finished_at = CASE WHEN attempts >= %(most)s THEN now() END,
    not_before_at = now() + make_interval(secs => %(pause_s)s), lease = NULL, lease_until_at = NULL, error = %(error)s
WHERE id = %(id)s AND lease = %(lease)s AND state = 'running'
