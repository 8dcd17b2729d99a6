-- When each source of a project first and last sent something.
SELECT source, first_received_at, last_received_at FROM telemetry_sourceseen
WHERE project_id = %(project)s
ORDER BY source
