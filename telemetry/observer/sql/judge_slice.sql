-- The runs begun in a span of time go through the sieves of all detectors at once, and what stays becomes anomalies.
--   run:       what each run came to, weighed once (OFFSET 0); NULL where a sum is beyond all reason, so that no product
--              can overflow: such runs pass no sieve here, and are returned as 'huge' for Python to judge
--   suspect:   runs that pass a sieve which asks nothing of other runs
--   repeated:  tasks that occur more than once, read by time: the index of tasks holds all of history (octet_length)
--   near:      which of their runs began soon after another; repeating: those, and that other run. Each looks up few
--              rows by a key, whatever the planner thinks (OFFSET 0)
--   compared:  the findings beside the anomalies that are known of the span: new and different ones are written, and
--              those that were not found again are returned as 'outdated'
-- What a person made of an anomaly stays, and what says the same is left alone.
WITH run AS (
    SELECT execution_id, started_at, task_id, task_type, agent, model, session_id, status, errors, duration_ms,
           is_verified, output, cut_off_calls, {weighed} AS weighed
    FROM telemetry_rollup_run
    WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
      AND NOT starts_with(execution_id, 'meter:')
    OFFSET 0
), suspect AS MATERIALIZED (
    SELECT * FROM run WHERE weighed IS NULL OR {suspected}
), repeated AS MATERIALIZED (
    SELECT task_key
    FROM telemetry_rollup_run
    WHERE project_id = %(project)s AND started_at > %(start)s::timestamptz - %(lookback)s::interval
      AND started_at < %(end)s AND %(lookback)s::interval > interval '0' AND octet_length(task_key) > 0
    GROUP BY task_key
    HAVING count(*) > 1
), chain AS (
    SELECT run.execution_id, run.started_at, lag(run.execution_id) OVER same AS earlier_id,
           lag(run.started_at) OVER same AS earlier_at
    FROM repeated
    CROSS JOIN LATERAL (SELECT execution_id, started_at, task_key FROM telemetry_rollup_run
                        WHERE project_id = %(project)s AND task_key = repeated.task_key AND task_key <> ''
                          AND started_at > %(start)s::timestamptz - %(lookback)s::interval AND started_at < %(end)s
                          AND NOT is_cut
                        OFFSET 0) AS run
    WINDOW same AS (PARTITION BY run.task_key ORDER BY run.started_at, run.execution_id)
), near AS MATERIALIZED (
    SELECT * FROM chain
    WHERE started_at >= %(start)s AND earlier_at > started_at - %(lookback)s::interval
      AND NOT starts_with(execution_id, 'meter:')
), repeating AS MATERIALIZED (
    SELECT run.execution_id, run.started_at, run.task_id, run.task_type, run.agent, run.model, run.session_id,
           run.status, run.errors, run.duration_ms, run.is_verified, run.output, run.cut_off_calls, run.weighed,
           near.earlier_id, near.earlier_at,
           other.is_provider_fault
           OR (other.result_digest <> '' AND run.result_digest <> '' AND other.result_digest <> run.result_digest)
           OR ((other.errors > 0 OR lower(other.status COLLATE "C") = ANY(%(failed)s))
               AND run.errors = 0 AND lower(run.status COLLATE "C") = ANY(%(done)s)) AS is_exempt
    FROM near
    CROSS JOIN LATERAL (SELECT execution_id, started_at, task_id, task_type, agent, model, session_id, status, errors,
                               duration_ms, is_verified, result_digest, output, cut_off_calls, {weighed} AS weighed
                        FROM telemetry_rollup_run
                        WHERE project_id = %(project)s AND execution_id = near.execution_id OFFSET 0) AS run
    CROSS JOIN LATERAL (SELECT status, errors, is_provider_fault, result_digest FROM telemetry_rollup_run
                        WHERE project_id = %(project)s AND execution_id = near.earlier_id OFFSET 0) AS other
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
