-- The anomalies of the runs begun in quarters of an hour, and these runs themselves, each once with the largest of its
-- findings that nobody called no waste, never above its total; part of write_waste.sql. What no longer holds is left
-- out. OFFSET 0: quarter by quarter, whatever the planner thinks.
WITH found AS MATERIALIZED (
    SELECT asked.bucket, anomaly.*
    FROM unnest(%(buckets)s::timestamptz[]) AS asked (bucket)
    CROSS JOIN LATERAL (
        SELECT execution_id, agent, model, task_type, detector, severity, state, tokens_wasted,
               least(tokens_wasted, tokens) AS tokens_once
        FROM telemetry_anomaly
        WHERE project_id = %(project)s AND started_at >= asked.bucket AND started_at < asked.bucket + %(width)s
          AND (state = 'new' OR NOT evidence @> '{{"holds": false}}')
        OFFSET 0) AS anomaly
)
SELECT bucket, agent, model, task_type, detector, severity, state, 1 AS anomalies, tokens_wasted, tokens_once FROM found
UNION ALL
SELECT bucket, max(agent COLLATE "C"), max(model COLLATE "C"), max(task_type COLLATE "C"), '', '', '', 1,
       max(tokens_once), max(tokens_once)
FROM found
WHERE state <> 'not_waste'
GROUP BY bucket, execution_id
