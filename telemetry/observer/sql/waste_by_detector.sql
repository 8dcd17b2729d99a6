-- Anomalies of a span by detector, severity and state, with what they wasted by their own figures, and the same where none
-- is above what its run came to. What no longer holds is left out.
SELECT detector, severity, state, count(*), coalesce(sum(tokens_wasted), 0),
       coalesce(sum(least(tokens_wasted, tokens)), 0)
FROM telemetry_anomaly
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
  AND (state = 'new' OR NOT evidence @> '{{"holds": false}}') {filters}
GROUP BY detector, severity, state
ORDER BY detector, severity, state
