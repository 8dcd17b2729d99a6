-- One call is another: every name of the first names the second from now on.
UPDATE telemetry_identity
SET call_id = %(call)s, started_at = %(moment)s, revision = revision + 1
WHERE project_id = %(project)s AND (id = %(old)s OR call_id = %(old)s)
