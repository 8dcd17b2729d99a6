-- The anomalies of a span that waste the most, at most `limit` of a severity, in the order in which their runs began.
SELECT found.*
FROM unnest(%(severities)s::text[]) AS asked (severity)
CROSS JOIN LATERAL (
    SELECT execution_id, task_id, detector, severity, started_at, tokens, tokens_wasted, evidence::text AS evidence
    FROM telemetry_anomaly
    WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
      AND severity = asked.severity AND state <> 'not_waste' AND NOT evidence @> '{"holds": false}'
    ORDER BY tokens_wasted DESC, started_at, execution_id, detector
    LIMIT %(limit)s
) AS found
ORDER BY found.started_at, found.execution_id, found.detector
