-- Anomalies of a span of time that were not found now.
SELECT execution_id, detector FROM telemetry_anomaly
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
  AND (execution_id, detector) NOT IN (SELECT * FROM unnest(%(keys)s::text[], %(detectors)s::text[]))
