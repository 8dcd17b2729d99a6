-- What changed until now will be in the result of a job that runs.
UPDATE telemetry_job SET outdated_at = NULL
WHERE id = %(id)s AND lease = %(lease)s AND state = 'running' AND outdated_at IS NOT NULL
