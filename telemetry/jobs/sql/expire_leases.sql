-- Let go of jobs whose lease is over. One that is just being finished is locked, and is left alone.
UPDATE telemetry_job
SET state = CASE WHEN attempts >= %(most)s THEN 'dead' ELSE 'waiting' END,
    finished_at = CASE WHEN attempts >= %(most)s THEN now() END,
    lease = NULL, lease_until_at = NULL, error = %(error)s
WHERE id IN (
    SELECT id FROM telemetry_job WHERE state = 'running' AND lease_until_at <= now() ORDER BY id FOR UPDATE SKIP LOCKED)
