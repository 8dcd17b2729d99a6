-- Calls of a span that belong to no task: they name none, and fell into none of their session while it ran; or they
-- stand for what a session's counters showed.
SELECT count(*) AS calls,
       sum(input_uncached + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown + output) AS tokens,
       sum(coalesce(cost_reported_nanousd, cost_computed_nanousd)) AS cost_nanousd,
       count(*) FILTER (WHERE coalesce(cost_reported_nanousd, cost_computed_nanousd) IS NULL) AS unpriced_calls
FROM telemetry_call AS call
WHERE call.project_id = %(project)s AND call.started_at >= %(start)s AND call.started_at < %(end)s
  AND (call.execution_id LIKE 'meter:%%' OR call.execution_id = '')
  AND NOT (call.execution_id = '' AND EXISTS (
        SELECT 1 FROM telemetry_rollup_run AS run
        WHERE run.project_id = %(project)s AND run.started_at >= %(runs_from)s AND run.started_at < %(end)s
          AND run.session_id <> '' AND run.session_id = call.session_id
          AND run.started_at <= call.started_at
          AND call.started_at <= run.started_at + run.duration_ms * interval '1 millisecond'
          AND run.execution_id NOT LIKE 'meter:%%'))
