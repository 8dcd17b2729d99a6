-- The job is done, if it still is that of its runner; or it waits again, for its days changed while it ran.
UPDATE telemetry_job
SET state = CASE WHEN outdated_at IS NULL THEN 'done' ELSE 'waiting' END,
    attempts = CASE WHEN outdated_at IS NULL THEN attempts ELSE 0 END,
    not_before_at = CASE WHEN outdated_at IS NULL THEN not_before_at
                    ELSE now() + make_interval(secs => %(later_s)s) END,
    lease = NULL, lease_until_at = NULL, outdated_at = NULL, finished_at = now(), error = ''
WHERE id = %(id)s AND lease = %(lease)s AND state = 'running'
