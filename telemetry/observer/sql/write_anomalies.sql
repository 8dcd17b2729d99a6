-- Findings as anomalies, labelled as their runs are. What a person made of one stays; one that says the same is left alone.
-- The moments of runs for which any was written come back, and where one bore another moment before, that one.
WITH written AS (
    INSERT INTO telemetry_anomaly AS known (project_id, execution_id, detector, severity, started_at, task_id, task_type,
                                            agent, model, session_id, tokens, tokens_wasted, evidence, digest, found_at)
    SELECT run.project_id, run.execution_id, found.detector, found.severity, run.started_at, run.task_id, run.task_type,
           run.agent, run.model, run.session_id, found.tokens, found.tokens_wasted, found.evidence::jsonb, {digest}, %(now)s
    FROM unnest(%(keys)s::text[], %(detectors)s::text[], %(severities)s::text[], %(tokens)s::int8[], %(wasted)s::int8[],
                %(evidence)s::text[], %(rules)s::int8[], %(earlier_ids)s::text[], %(earlier_ats)s::timestamptz[])
         AS found (execution_id, detector, severity, tokens, tokens_wasted, evidence, rule, earlier_id, earlier_at)
    JOIN telemetry_rollup_run AS run ON run.project_id = %(project)s AND run.execution_id = found.execution_id
    ON CONFLICT (project_id, execution_id, detector) DO UPDATE
    SET severity = excluded.severity, started_at = excluded.started_at, task_id = excluded.task_id,
        task_type = excluded.task_type, agent = excluded.agent, model = excluded.model, session_id = excluded.session_id,
        tokens = excluded.tokens, tokens_wasted = excluded.tokens_wasted, evidence = excluded.evidence,
        digest = excluded.digest, moved_from_at = nullif(known.started_at, excluded.started_at)
    WHERE known.digest IS DISTINCT FROM excluded.digest
    RETURNING known.started_at, known.moved_from_at
)
SELECT started_at FROM written UNION SELECT moved_from_at FROM written WHERE moved_from_at IS NOT NULL
