-- A page of what a detached partition holds, in order of its key.
SELECT project_id, started_at, id FROM {expired}
WHERE (project_id, started_at, id) > (%(project)s, %(moment)s, %(call)s)
ORDER BY project_id, started_at, id
LIMIT %(limit)s
