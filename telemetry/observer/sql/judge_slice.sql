-- The runs begun in a span of time go through the sieves of all detectors at once, and what stays becomes anomalies.
--   run:       what each run came to, weighed once (OFFSET 0); NULL where a sum is beyond all reason, so that no product
--              can overflow: such runs pass no sieve here, and are returned as 'huge' for Python to judge
--   suspect:   runs that pass a sieve which asks nothing of other runs, or began soon after another of their task
--   repeating: the latter, each beside that other run, which is looked up by the index of tasks (OFFSET 0)
--   compared:  the findings beside the anomalies that are known of the span: new ones, and those that follow from
--              something else now, are written; those that were not found again are returned as 'outdated'
-- What a person made of an anomaly stays, and what says the same is left alone. The quarters of an hour in which any
-- changed are returned as 'changed'.
WITH run AS (
    SELECT execution_id, started_at, task_key, task_id, task_type, agent, model, session_id, status, errors, duration_ms,
           is_cut, is_verified, result_digest, repeats_after_s, output, cut_off_calls, {weighed} AS weighed
    FROM telemetry_rollup_run
    WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
    OFFSET 0
), suspect AS MATERIALIZED (
    SELECT *, NULL::text AS earlier_id, NULL::timestamptz AS earlier_at
    FROM (SELECT * FROM run WHERE weighed IS NULL OR repeats_after_s < %(lookback_s)s OR {suspected} OFFSET 0) AS sifted
    WHERE NOT starts_with(execution_id, 'meter:')
), repeating AS MATERIALIZED (
    SELECT run.execution_id, run.started_at, run.task_id, run.task_type, run.agent, run.model, run.session_id, run.status,
           run.errors, run.duration_ms, run.is_verified, run.output, run.cut_off_calls, run.weighed,
           earlier.execution_id AS earlier_id, earlier.started_at AS earlier_at,
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
    SELECT execution_id, detector, digest FROM telemetry_anomaly
    WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
), compared AS MATERIALIZED (
    SELECT found.*, known.execution_id AS known_id, known.detector AS known_detector,
           coalesce(known.digest = found.digest, false) AS is_same
    FROM found FULL JOIN known ON known.execution_id = found.execution_id AND known.detector = found.detector
), written AS (
    INSERT INTO telemetry_anomaly AS anomaly (project_id, execution_id, detector, severity, started_at, task_id,
                                              task_type, agent, model, session_id, tokens, tokens_wasted, evidence,
                                              digest, found_at)
    SELECT %(project)s, execution_id, detector, severity, started_at, task_id, task_type, agent, model, session_id,
           (weighed + 100 * output + 50) / 100, tokens_wasted, ({evidence})::jsonb, digest, %(now)s
    FROM compared AS run WHERE execution_id IS NOT NULL AND NOT is_same
    ON CONFLICT (project_id, execution_id, detector) DO UPDATE
    SET severity = excluded.severity, started_at = excluded.started_at, task_id = excluded.task_id,
        task_type = excluded.task_type, agent = excluded.agent, model = excluded.model,
        session_id = excluded.session_id, tokens = excluded.tokens, tokens_wasted = excluded.tokens_wasted,
        evidence = excluded.evidence, digest = excluded.digest,
        moved_from_at = nullif(anomaly.started_at, excluded.started_at)
    RETURNING started_at, moved_from_at
)
SELECT 'found' AS what, count(*) AS number, '' AS execution_id, '' AS detector, NULL::timestamptz AS quarter
FROM compared WHERE execution_id IS NOT NULL
UNION ALL
SELECT 'outdated', 1, known_id, known_detector, NULL FROM compared
WHERE execution_id IS NULL AND known_id NOT IN (SELECT execution_id FROM suspect WHERE weighed IS NULL)
UNION ALL
SELECT 'huge', 1, execution_id, '', NULL FROM suspect WHERE weighed IS NULL
UNION ALL
SELECT 'changed', 1, '', '', date_bin('15 minutes', started_at, 'epoch')
FROM (SELECT started_at FROM written UNION ALL
      SELECT moved_from_at FROM written WHERE moved_from_at IS NOT NULL) AS changed
GROUP BY 5
