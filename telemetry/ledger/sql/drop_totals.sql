-- Forget the identities of executions' totals and say where their calls live, so that they can be removed there.
DELETE FROM telemetry_identity
WHERE project_id = %(project)s AND id = ANY(%(ids)s) AND started_at >= %(kept_from)s
RETURNING id, started_at
