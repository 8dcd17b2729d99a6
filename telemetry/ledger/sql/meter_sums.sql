-- What the counters of sessions showed in all, by model; each at most 2^53, as a count may be.
SELECT session_id, model, max(agent) AS agent, min(started_at) AS started_at, max(last_at) AS ended_at,
       least(coalesce(sum(value) FILTER (WHERE bucket = 'input'), 0), 2::numeric ^ 53)::int8 AS input,
       least(coalesce(sum(value) FILTER (WHERE bucket = 'input_and_cache'), 0), 2::numeric ^ 53)::int8 AS input_and_cache,
       least(coalesce(sum(value) FILTER (WHERE bucket = 'cache_read'), 0), 2::numeric ^ 53)::int8 AS cache_read,
       least(coalesce(sum(value) FILTER (WHERE bucket = 'cache_write'), 0), 2::numeric ^ 53)::int8 AS cache_write,
       least(coalesce(sum(value) FILTER (WHERE bucket = 'output'), 0), 2::numeric ^ 53)::int8 AS output
FROM telemetry_meterpoint
WHERE project_id = %(project)s AND session_id = ANY(%(sessions)s)
GROUP BY session_id, model
ORDER BY session_id, model
