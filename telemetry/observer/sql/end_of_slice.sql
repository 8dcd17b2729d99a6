-- The moment of the run that comes so many after the first of a span; no row where it has fewer.
SELECT started_at FROM telemetry_rollup_run
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
ORDER BY started_at
OFFSET %(runs)s
LIMIT 1
