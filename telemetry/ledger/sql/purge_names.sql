-- Forget the other names of calls that have expired, by the index that knows them.
DELETE FROM telemetry_identity
WHERE project_id = %(project)s AND call_id = ANY(%(ids)s) AND call_id IS NOT NULL
