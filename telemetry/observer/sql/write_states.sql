-- What a person makes of anomalies, where each is still as the person saw it; how many of them are there at all. What no
-- longer holds is never new again.
WITH meant AS MATERIALIZED (
    SELECT a.execution_id, a.detector,
           a.state = m.seen AND NOT (%(state)s = 'new' AND a.evidence @> '{"holds": false}') AS is_as_seen
    FROM telemetry_anomaly AS a
    JOIN unnest(%(executions)s::text[], %(detectors)s::text[], %(seen)s::text[]) AS m (execution_id, detector, seen)
      ON m.execution_id = a.execution_id AND m.detector = a.detector
    WHERE a.project_id = %(project)s
    ORDER BY a.execution_id, a.detector
    FOR NO KEY UPDATE OF a
), changed AS (
    UPDATE telemetry_anomaly AS a
    SET state = %(state)s, state_at = %(now)s, state_by = %(by)s, note = coalesce(%(note)s, a.note)
    FROM meant
    WHERE a.project_id = %(project)s AND a.execution_id = meant.execution_id AND a.detector = meant.detector
      AND meant.is_as_seen
    RETURNING a.detector, a.task_type, a.started_at
)
SELECT (SELECT count(*) FROM meant), array_agg(detector), array_agg(task_type), array_agg(started_at) FROM changed
