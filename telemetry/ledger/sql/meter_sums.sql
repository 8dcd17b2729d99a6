-- What the counters of sessions showed in all, by model.
SELECT session_id, model, max(agent) AS agent, min(started_at) AS started_at, max(last_at) AS ended_at,
       coalesce(sum(value) FILTER (WHERE bucket = 'input'), 0)::int8 AS input,
       coalesce(sum(value) FILTER (WHERE bucket = 'input_and_cache'), 0)::int8 AS input_and_cache,
       coalesce(sum(value) FILTER (WHERE bucket = 'cache_read'), 0)::int8 AS cache_read,
       coalesce(sum(value) FILTER (WHERE bucket = 'cache_write'), 0)::int8 AS cache_write,
       coalesce(sum(value) FILTER (WHERE bucket = 'output'), 0)::int8 AS output
FROM telemetry_meterpoint
WHERE project_id = %(project)s AND session_id = ANY(%(sessions)s)
GROUP BY session_id, model
ORDER BY session_id, model
