-- Anomalies of these runs that were not found now.
SELECT execution_id, detector FROM telemetry_anomaly
WHERE project_id = %(project)s AND execution_id = ANY(%(judged)s)
  AND (execution_id, detector) NOT IN (SELECT * FROM unnest(%(keys)s::text[], %(detectors)s::text[]))
