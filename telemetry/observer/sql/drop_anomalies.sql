-- Anomalies that no longer hold, of which no person said anything. The moments of their runs come back.
DELETE FROM telemetry_anomaly AS anomaly
USING unnest(%(keys)s::text[], %(detectors)s::text[]) AS outdated (execution_id, detector)
WHERE anomaly.project_id = %(project)s AND anomaly.execution_id = outdated.execution_id
  AND anomaly.detector = outdated.detector AND anomaly.state = 'new'
RETURNING anomaly.started_at
