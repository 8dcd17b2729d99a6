-- How many anomalies of a detector and a task type people have called no waste, each pair since its own moment.
SELECT m.detector, m.task_type, count(*)
FROM unnest(%(detectors)s::text[], %(task_types)s::text[], %(since)s::timestamptz[]) AS m (detector, task_type, since)
JOIN telemetry_anomaly AS a ON a.detector = m.detector AND a.task_type = m.task_type AND a.state_at > m.since
WHERE a.project_id = %(project)s AND a.state = 'not_waste'
GROUP BY 1, 2
