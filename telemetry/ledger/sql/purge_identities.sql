-- Forget the identities of calls that have expired.
DELETE FROM telemetry_identity WHERE project_id = %(project)s AND id = ANY(%(ids)s)
