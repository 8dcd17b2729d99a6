-- How many anomalies of runs each bucket of a window holds, by detector, severity and state.
SELECT width_bucket(started_at, %(edges)s::timestamptz[]), detector, severity, state, count(*)
FROM telemetry_anomaly
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
  AND (state = 'new' OR NOT evidence @> '{{"holds": false}}') {filters}
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
