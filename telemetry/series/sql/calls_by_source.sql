-- What each source brought in a range, by model.
SELECT source, model, count(*) AS calls,
       count(*) FILTER (WHERE coalesce(cost_reported_nanousd, cost_computed_nanousd) IS NULL) AS unpriced_calls,
       max(started_at) AS newest_at
FROM telemetry_call
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2
