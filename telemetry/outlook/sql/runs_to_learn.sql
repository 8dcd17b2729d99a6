-- What is learned from runs, in the order in which they ended.
SELECT run.execution_id, run.started_at, coalesce(run.ended_at, run.started_at) AS ended_at, run.task_id, run.task_type,
       run.tool, run.agent, run.session_id, run.session_type, run.objective, run.status,
       coalesce(left(sent.attributes ->> 'description', 200), '') AS description,
       coalesce(run.duration_ms, (1000 * extract(epoch FROM run.ended_at - run.started_at))::int8) AS duration_ms,
       run.calls, run.unpriced_calls, run.input_uncached, run.cache_read, run.cache_write_5m, run.cache_write_1h,
       run.cache_write_unknown, run.output, run.cost_nanousd
FROM telemetry_rollup_run AS run
LEFT JOIN telemetry_execution AS sent
  ON sent.project_id = run.project_id AND sent.execution_id = run.execution_id AND sent.project_id = %(project)s
WHERE run.project_id = %(project)s AND run.execution_id = ANY(%(keys)s)
ORDER BY coalesce(run.ended_at, run.started_at), run.execution_id
