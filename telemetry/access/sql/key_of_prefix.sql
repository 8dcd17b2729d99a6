-- The key of a prefix, and the project that it speaks for.
SELECT key.id, key.digest, key.scopes, key.expires_at, key.revoked_at, key.last_used_at, key.session_type,
       project.id AS project_id, project.slug, project.time_zone, project.keep_content
FROM telemetry_apikey AS key
JOIN telemetry_project AS project ON project.id = key.project_id
WHERE key.prefix = %(prefix)s
