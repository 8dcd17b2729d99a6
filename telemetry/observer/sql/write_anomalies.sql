-- Findings as anomalies, labelled as their runs are. What a person made of one stays; one that says the same is left alone.
INSERT INTO telemetry_anomaly AS known (project_id, execution_id, detector, severity, started_at, task_id, task_type,
                                        agent, model, session_id, tokens, tokens_wasted, evidence, found_at)
SELECT run.project_id, run.execution_id, found.detector, found.severity, run.started_at, run.task_id, run.task_type,
       run.agent, run.model, run.session_id, found.tokens, found.tokens_wasted, found.evidence::jsonb, %(now)s
FROM unnest(%(keys)s::text[], %(detectors)s::text[], %(severities)s::text[], %(tokens)s::int8[], %(wasted)s::int8[],
            %(evidence)s::text[]) AS found (execution_id, detector, severity, tokens, tokens_wasted, evidence)
JOIN telemetry_rollup_run AS run ON run.project_id = %(project)s AND run.execution_id = found.execution_id
ON CONFLICT (project_id, execution_id, detector) DO UPDATE
SET severity = excluded.severity, started_at = excluded.started_at, task_id = excluded.task_id,
    task_type = excluded.task_type, agent = excluded.agent, model = excluded.model, session_id = excluded.session_id,
    tokens = excluded.tokens, tokens_wasted = excluded.tokens_wasted, evidence = excluded.evidence
WHERE (known.severity, known.started_at, known.task_id, known.task_type, known.agent, known.model, known.session_id,
       known.tokens, known.tokens_wasted, known.evidence)
      IS DISTINCT FROM
      (excluded.severity, excluded.started_at, excluded.task_id, excluded.task_type, excluded.agent, excluded.model,
       excluded.session_id, excluded.tokens, excluded.tokens_wasted, excluded.evidence)
