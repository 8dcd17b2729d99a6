-- What the calls of a span that are in no run came to, by slice of time and by what they say themselves: they name no
-- run that has them, and fell into none of their session whose calls name it not; or stand for a session's counters.
-- FULL JOIN behind OFFSET 0: each side is hashed or sorted, for a planner without statistics would hold every call
-- against every run.
WITH silent AS MATERIALIZED (
    SELECT sent.session_id, range_agg(tstzrange(sent.started_at, sent.started_at
                                      + least(sent.duration_ms * interval '1 millisecond', %(after)s::interval), '[]')) AS times
    FROM telemetry_execution AS sent
    CROSS JOIN LATERAL (
        SELECT FROM telemetry_rollup_run
        WHERE project_id = %(project)s AND execution_id = sent.execution_id AND calls > 0
        OFFSET 0
    ) AS run
    WHERE sent.project_id = %(project)s AND sent.started_at >= %(runs_from)s AND sent.started_at < %(runs_to)s
      AND sent.session_id <> '' AND sent.called_from_at IS NULL AND sent.duration_ms >= 0
      AND NOT starts_with(sent.execution_id, 'meter:')
    GROUP BY sent.session_id
), met AS (
    SELECT call.*, run.started_at AS run_at, silent.times
    FROM (
        SELECT started_at, objective, task_type, agent, quality, execution_id,
               CASE WHEN execution_id = '' THEN session_id END AS silent_session,
               coalesce(cost_reported_nanousd, cost_computed_nanousd) AS cost_nanousd,
               input_uncached::numeric + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown + output AS tokens
        FROM telemetry_call
        WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
        OFFSET 0
    ) AS call
    FULL JOIN (
        SELECT execution_id, started_at
        FROM telemetry_rollup_run
        WHERE project_id = %(project)s AND started_at >= %(runs_from)s AND started_at < %(runs_to)s
          AND NOT starts_with(execution_id, 'meter:')
        OFFSET 0
    ) AS run ON run.execution_id = call.execution_id
    FULL JOIN silent ON silent.session_id = call.silent_session
    OFFSET 0
)
SELECT width_bucket(started_at, %(edges)s::timestamptz[]) AS slice, objective AS tag, task_type, agent, count(*) AS calls,
       count(*) FILTER (WHERE cost_nanousd IS NULL) AS unpriced_calls, sum(tokens) AS tokens,
       coalesce(sum(cost_nanousd), 0) AS cost_nanousd
FROM met
WHERE started_at IS NOT NULL
  AND (run_at IS NULL OR (quality & %(total)s = 0 AND (started_at < run_at - %(before)s::interval
                                                       OR started_at > run_at + %(after)s::interval)))
  AND (times IS NULL OR NOT times @> started_at)
GROUP BY 1, 2, 3, 4
