-- Models whose calls in a window cost something else by us than somebody reported, calls with both costs only.
SELECT model, count(*) AS calls, sum(cost_reported_nanousd) AS reported, sum(cost_computed_nanousd) AS computed
FROM telemetry_call
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s {filters}
  AND cost_reported_nanousd IS NOT NULL AND cost_computed_nanousd IS NOT NULL
GROUP BY 1
HAVING abs(sum(cost_computed_nanousd) - sum(cost_reported_nanousd)) * 100 > %(percent)s * sum(cost_reported_nanousd)
ORDER BY abs(sum(cost_computed_nanousd) - sum(cost_reported_nanousd)) DESC, 1
