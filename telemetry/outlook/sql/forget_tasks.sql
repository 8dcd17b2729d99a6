-- Forget tasks, the finest level, that nobody has run since; how far runs are from their task has no digest, and stays.
DELETE FROM telemetry_key_stat
WHERE project_id = %(project)s AND level = 4 AND last_at < %(before)s AND key <> ''
