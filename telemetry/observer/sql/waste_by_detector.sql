-- Anomalies of a span by detector and severity, with what they wasted by their own figures, and how many of them a person
-- called no waste. What no longer holds is left out.
SELECT detector, severity, count(*) FILTER (WHERE state <> 'not_waste'),
       coalesce(sum(tokens_wasted) FILTER (WHERE state <> 'not_waste'), 0),
       count(*) FILTER (WHERE state = 'not_waste')
FROM telemetry_anomaly
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
  AND (state = 'new' OR NOT evidence @> '{{"holds": false}}') {filters}
GROUP BY detector, severity
ORDER BY detector, severity
