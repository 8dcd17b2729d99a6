-- The next run of the same task after each of these, where it began soon enough to repeat it.
SELECT DISTINCT later.execution_id
FROM telemetry_rollup_run AS run
CROSS JOIN LATERAL (
    SELECT other.execution_id
    FROM telemetry_rollup_run AS other
    WHERE NOT run.is_cut AND run.task_key <> '' AND other.project_id = %(project)s AND other.task_key = run.task_key
      AND other.task_key <> ''
      AND other.started_at >= run.started_at AND other.started_at < run.started_at + %(lookback)s::interval
      AND (other.started_at, other.execution_id) > (run.started_at, run.execution_id) AND NOT other.is_cut
    ORDER BY other.started_at, other.execution_id
    LIMIT 1
) AS later
WHERE run.project_id = %(project)s AND run.execution_id = ANY(%(keys)s)
