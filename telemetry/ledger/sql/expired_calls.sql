-- A page of a project's calls between two moments, in order of their key.
SELECT started_at, id FROM telemetry_call
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
ORDER BY started_at, id
LIMIT %(limit)s
