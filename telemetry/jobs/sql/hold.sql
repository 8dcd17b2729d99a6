-- A running job, locked, if the lease is still that of its runner.
SELECT id FROM telemetry_job WHERE id = %(id)s AND lease = %(lease)s AND state = 'running' FOR NO KEY UPDATE
