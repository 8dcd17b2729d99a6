-- The anomalies of a span that waste the most, at most `limit` of a severity, in the order in which their runs began.
SELECT execution_id, task_id, detector, severity, started_at, tokens, tokens_wasted, evidence::text AS evidence
FROM (SELECT *, row_number() OVER (PARTITION BY severity
                                   ORDER BY tokens_wasted DESC, started_at, execution_id, detector) AS place
      FROM telemetry_anomaly
      WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
        AND state <> 'not_waste' AND NOT evidence @> '{"holds": false}') AS ranked
WHERE place <= %(limit)s
ORDER BY started_at, execution_id, detector
