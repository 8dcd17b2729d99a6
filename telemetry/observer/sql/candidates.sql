-- Runs begun in a span of time that a detector may flag, with the last run of the same task before each, which is looked
-- for only where the task's key occurs again. Sums are weighed once (OFFSET 0); a run with a sum beyond all reason comes
-- whatever it is, so that nothing can overflow.
WITH repeated AS MATERIALIZED (
    SELECT task_key
    FROM telemetry_rollup_run
    WHERE project_id = %(project)s AND started_at > %(start)s::timestamptz - %(lookback)s::interval
      AND started_at < %(end)s AND %(lookback)s::interval > interval '0' AND task_key <> '' AND NOT is_cut
    GROUP BY task_key
    HAVING count(*) > 1
), run AS (
    SELECT one.*, repeated.task_key IS NOT NULL AND NOT is_cut AS is_repeated
    FROM (SELECT execution_id, started_at, task_key, task_type, status, errors, duration_ms, is_cut, is_verified,
                 result_digest, input_uncached, cache_read, cache_write_5m, cache_write_1h, cache_write_unknown, output,
                 greatest(input_uncached, cache_read, cache_write_5m, cache_write_1h, cache_write_unknown, output)
                     > %(huge)s AS is_huge,
                 100 * least(input_uncached, %(huge)s) + %(read)s * least(cache_read, %(huge)s)
                     + %(written)s * (least(cache_write_5m, %(huge)s) + least(cache_write_unknown, %(huge)s))
                     + %(written_1h)s * least(cache_write_1h, %(huge)s) AS weighed,
                 least(output, %(huge)s) AS answered
          FROM telemetry_rollup_run
          WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
            AND NOT starts_with(execution_id, 'meter:')
          OFFSET 0) AS one
    LEFT JOIN repeated ON repeated.task_key = one.task_key
), suspect AS (
    SELECT * FROM run WHERE {suspected}
)
SELECT run.execution_id, run.started_at, run.task_type, run.status, run.errors, run.duration_ms, run.is_verified,
       run.result_digest, run.input_uncached, run.cache_read, run.cache_write_5m, run.cache_write_1h,
       run.cache_write_unknown, run.output, earlier.*
FROM suspect AS run
LEFT JOIN LATERAL (
    SELECT other.execution_id AS earlier_id, other.started_at AS earlier_at, other.status AS earlier_status,
           other.errors AS earlier_errors, other.is_provider_fault, other.result_digest AS earlier_digest
    FROM telemetry_rollup_run AS other
    WHERE run.is_repeated AND other.project_id = %(project)s AND other.task_key = run.task_key AND other.task_key <> ''
      AND other.started_at > run.started_at - %(lookback)s::interval AND other.started_at <= run.started_at
      AND (other.started_at, other.execution_id) < (run.started_at, run.execution_id) AND NOT other.is_cut
    ORDER BY other.started_at DESC, other.execution_id DESC
    LIMIT 1
) AS earlier ON true
WHERE earlier.earlier_id IS NOT NULL OR {suspected_alone}
