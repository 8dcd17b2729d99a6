-- The worst findings of each detector that were found from a moment of its own on, in runs that began lately, and that
-- nobody has judged yet; each with the number of all of them, what they wasted, and whether one is of high severity.
SELECT detector, count, tokens_wasted, is_high, execution_id, task, evidence
FROM (
    SELECT anomaly.detector, anomaly.execution_id, anomaly.evidence::text AS evidence,
           coalesce(nullif(anomaly.task_id, ''), anomaly.task_type) AS task,
           count(*) OVER found AS count,
           least(sum(anomaly.tokens_wasted) OVER found, 9223372036854775807)::int8 AS tokens_wasted,
           bool_or(anomaly.severity = 'high') OVER found AS is_high,
           row_number() OVER (
               PARTITION BY anomaly.detector
               ORDER BY anomaly.severity, anomaly.tokens_wasted DESC, anomaly.execution_id
           ) AS place
    FROM telemetry_anomaly AS anomaly
    JOIN unnest(%(detectors)s::text[], %(since)s::timestamptz[]) AS asked (detector, since)
        ON asked.detector = anomaly.detector AND anomaly.found_at >= asked.since
    WHERE anomaly.project_id = %(project)s
      AND anomaly.started_at >= %(begun_from)s AND anomaly.started_at < %(begun_to)s
      AND anomaly.state = 'new' AND anomaly.severity = ANY(%(severities)s)
    WINDOW found AS (PARTITION BY anomaly.detector)
) AS ranked
WHERE place <= %(most)s
ORDER BY detector, place
