-- The values that a dimension takes in a window, most used first.
SELECT {dimension} AS value
FROM telemetry_call
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s {filters}
GROUP BY 1
ORDER BY count(*) DESC, 1
LIMIT %(limit)s
