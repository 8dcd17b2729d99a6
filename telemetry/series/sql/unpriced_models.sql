-- Models whose calls in a window have no cost.
SELECT provider, model, count(*) AS calls
FROM telemetry_call
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s {filters}
  AND cost_reported_nanousd IS NULL AND cost_computed_nanousd IS NULL
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2
