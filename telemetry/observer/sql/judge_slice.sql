-- The runs begun in a span of time go through the sieves of all detectors at once, and what stays becomes anomalies.
--   run:       what each run came to, weighed once (OFFSET 0); NULL where a sum is beyond all reason, so that no product
--              can overflow: such runs pass no sieve here, and are returned as 'huge' for Python to judge
--   suspect:   runs that pass a sieve which asks nothing of other runs, or began soon after another of their task
--   repeating: the latter, each beside that other run, which is looked up by the index of tasks (OFFSET 0)
--   compared:  the findings beside the anomalies that are known of the span: new and different ones are written, and
--              those that were not found again are returned as 'outdated'
-- What a person made of an anomaly stays, and what says the same is left alone.
WITH run AS (
    SELECT execution_id, started_at, task_key, task_id, task_type, agent, model, session_id, status, errors, duration_ms,
           is_cut, is_verified, result_digest, repeats_after_s, output, cut_off_calls, {weighed} AS weighed
    FROM telemetry_rollup_run
    WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
    OFFSET 0
), suspect AS MATERIALIZED (
    SELECT * FROM run
    WHERE (weighed IS NULL OR repeats_after_s < %(lookback_s)s OR {suspected}) AND NOT starts_with(execution_id, 'meter:')
), repeating AS MATERIALIZED (
    SELECT run.*, earlier.execution_id AS earlier_id, earlier.started_at AS earlier_at,
           earlier.is_provider_fault
           OR (earlier.result_digest <> '' AND run.result_digest <> '' AND earlier.result_digest <> run.result_digest)
           OR ((earlier.errors > 0 OR lower(earlier.status COLLATE "C") = ANY(%(failed)s))
               AND run.errors = 0 AND lower(run.status COLLATE "C") = ANY(%(done)s)) AS is_exempt
    FROM suspect AS run
    CROSS JOIN LATERAL (
        SELECT execution_id, started_at, status, errors, is_provider_fault, result_digest
        FROM telemetry_rollup_run AS other
        WHERE run.repeats_after_s < %(lookback_s)s AND NOT run.is_cut AND other.project_id = %(project)s
          AND other.task_key = run.task_key AND other.task_key <> ''
          AND other.started_at > run.started_at - %(lookback_s)s * interval '1 second'
          AND other.started_at <= run.started_at
          AND (other.started_at, other.execution_id) < (run.started_at, run.execution_id) AND NOT other.is_cut
        ORDER BY other.started_at DESC, other.execution_id DESC
        LIMIT 1
    ) AS earlier
), found AS (
    {found}
), known AS (
    SELECT * FROM telemetry_anomaly
    WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
), compared AS MATERIALIZED (
    SELECT found.*, known.execution_id AS known_id, known.detector AS known_detector,
           known.execution_id IS NOT NULL
           AND (found.severity, found.started_at, found.task_id, found.task_type, found.agent, found.model,
                found.session_id, found.tokens, found.tokens_wasted, found.evidence)
               IS NOT DISTINCT FROM
               (known.severity, known.started_at, known.task_id, known.task_type, known.agent, known.model,
                known.session_id, known.tokens, known.tokens_wasted, known.evidence) AS is_same
    FROM found FULL JOIN known ON known.execution_id = found.execution_id AND known.detector = found.detector
), written AS (
    INSERT INTO telemetry_anomaly AS anomaly (project_id, execution_id, detector, severity, started_at, task_id,
                                              task_type, agent, model, session_id, tokens, tokens_wasted, evidence,
                                              found_at)
    SELECT %(project)s, execution_id, detector, severity, started_at, task_id, task_type, agent, model, session_id,
           tokens, tokens_wasted, evidence, %(now)s
    FROM compared WHERE execution_id IS NOT NULL AND NOT is_same
    ON CONFLICT (project_id, execution_id, detector) DO UPDATE
    SET severity = excluded.severity, started_at = excluded.started_at, task_id = excluded.task_id,
        task_type = excluded.task_type, agent = excluded.agent, model = excluded.model,
        session_id = excluded.session_id, tokens = excluded.tokens, tokens_wasted = excluded.tokens_wasted,
        evidence = excluded.evidence
)
SELECT 'found' AS what, count(*) AS number, '' AS execution_id, '' AS detector
FROM compared WHERE execution_id IS NOT NULL
UNION ALL
SELECT 'outdated', 1, known_id, known_detector FROM compared
WHERE execution_id IS NULL AND known_id NOT IN (SELECT execution_id FROM suspect WHERE weighed IS NULL)
UNION ALL
SELECT 'huge', 1, execution_id, '' FROM suspect WHERE weighed IS NULL
