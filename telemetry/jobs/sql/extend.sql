-- A sign of life, as long as nobody else took the job.
UPDATE telemetry_job SET lease_until_at = now() + make_interval(secs => %(lease_s)s)
WHERE id = %(id)s AND lease = %(lease)s AND state = 'running'
