-- Some anomalies of runs of a window, in one of the orders of anomalies.py.
SELECT execution_id, detector, severity, started_at, task_id, task_type, agent, model, session_id, tokens,
       tokens_wasted, state, state_at, state_by, note, found_at, evidence::text
FROM telemetry_anomaly
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
  AND (state = 'new' OR NOT evidence @> '{{"holds": false}}') {filters} {after}
ORDER BY {order}
LIMIT %(limit)s OFFSET %(offset)s
