-- Anomalies that no longer hold, of which a person said something: they stay, waste nothing, and say so.
UPDATE telemetry_anomaly AS anomaly
SET tokens_wasted = 0, digest = NULL,
    evidence = anomaly.evidence || jsonb_build_object('holds', false, 'wasted_then', anomaly.tokens_wasted)
FROM unnest(%(keys)s::text[], %(detectors)s::text[]) AS outdated (execution_id, detector)
WHERE anomaly.project_id = %(project)s AND anomaly.execution_id = outdated.execution_id
  AND anomaly.detector = outdated.detector AND anomaly.state <> 'new'
  AND NOT anomaly.evidence @> '{"holds": false}'
RETURNING anomaly.started_at
