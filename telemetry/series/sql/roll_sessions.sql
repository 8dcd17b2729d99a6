-- Sum up the days of sessions, each as a whole.
INSERT INTO telemetry_rollup_session (project_id, session_id, cost_nanousd, tokens, first_at, last_at)
SELECT project_id, session_id, least(sum(cost_nanousd), 9223372036854775807)::int8,
       least(sum(input_uncached::numeric + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown + output),
             9223372036854775807)::int8, min(first_at), max(last_at)
FROM telemetry_rollup_session_1d
WHERE project_id = %(project)s AND session_id = ANY(%(sessions)s) AND calls > 0
GROUP BY 1, 2
