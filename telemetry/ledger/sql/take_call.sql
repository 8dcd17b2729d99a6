-- Take a call out, to merge it into the one that it turned out to be.
DELETE FROM telemetry_call
WHERE project_id = %(project)s AND started_at = %(moment)s AND id = %(call)s
RETURNING *
