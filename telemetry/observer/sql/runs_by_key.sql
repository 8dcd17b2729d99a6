-- These runs, but for what still goes on, with the last run of the same task before each.
SELECT run.execution_id, run.started_at, run.task_type, run.status, run.errors, run.duration_ms, run.is_verified,
       run.result_digest, run.input_uncached, run.cache_read, run.cache_write_5m, run.cache_write_1h,
       run.cache_write_unknown, run.output, run.cut_off_calls, earlier.*
FROM telemetry_rollup_run AS run
LEFT JOIN LATERAL (
    SELECT other.execution_id AS earlier_id, other.started_at AS earlier_at, other.status AS earlier_status,
           other.errors AS earlier_errors, other.is_provider_fault, other.result_digest AS earlier_digest
    FROM telemetry_rollup_run AS other
    WHERE NOT run.is_cut AND run.task_key <> '' AND other.project_id = %(project)s AND other.task_key = run.task_key
      AND other.task_key <> ''
      AND other.started_at > run.started_at - %(lookback)s::interval AND other.started_at <= run.started_at
      AND (other.started_at, other.execution_id) < (run.started_at, run.execution_id) AND NOT other.is_cut
    ORDER BY other.started_at DESC, other.execution_id DESC
    LIMIT 1
) AS earlier ON true
WHERE run.project_id = %(project)s AND run.execution_id = ANY(%(keys)s)
  AND NOT starts_with(run.execution_id, 'meter:')
