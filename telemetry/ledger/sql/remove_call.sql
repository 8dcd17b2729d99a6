-- Delete one call by its full key.
DELETE FROM telemetry_call WHERE project_id = %(project)s AND started_at = %(started_at)s AND id = %(id)s
