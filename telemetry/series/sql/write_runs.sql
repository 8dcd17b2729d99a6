-- Executions with the sums of their calls: of those that bear the execution's id (totals that were sent are such a call),
-- or where none does, of those of its session while it ran. Rows that are the same stay untouched; the others come back.
-- Calls are read span by span, whatever the planner thinks (OFFSET 0). The project comes from the rows, so that where
-- projects are shards no row leaves its own. Rows are written in order of their key.
INSERT INTO telemetry_rollup_run AS known (project_id, execution_id, {columns})
WITH sent AS MATERIALIZED (
    SELECT *, CASE WHEN session_id <> '' AND duration_ms >= 0
                   THEN started_at + least(duration_ms * interval '1 millisecond', %(after)s::interval) END AS ran_to_at
    FROM telemetry_execution
    WHERE project_id = %(project)s AND execution_id = ANY(%(keys)s)
), near AS MATERIALIZED (
    SELECT call.*
    FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS span (from_at, to_at)
    CROSS JOIN LATERAL (
        SELECT started_at, execution_id, session_id, quality, model, agent, host, subagent_id, session_type, task_type,
               objective, error_type, input_uncached, cache_read, cache_write_5m, cache_write_1h, cache_write_unknown,
               output, reasoning, coalesce(cost_reported_nanousd, cost_computed_nanousd) AS cost_nanousd
        FROM telemetry_call
        WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at <= %(end)s
          AND started_at >= span.from_at AND started_at <= span.to_at
        OFFSET 0
    ) AS call
    WHERE call.execution_id IN (SELECT execution_id FROM sent)
       OR call.session_id IN (SELECT session_id FROM sent WHERE ran_to_at IS NOT NULL)
), named AS MATERIALIZED (
    SELECT sent.execution_id AS key, near.*
    FROM sent JOIN near ON near.execution_id = sent.execution_id
    WHERE near.quality & %(total)s <> 0 OR (near.started_at >= sent.started_at - %(before)s::interval
                                            AND near.started_at <= sent.started_at + %(after)s::interval)
), own AS MATERIALIZED (
    SELECT * FROM named
    UNION ALL
    SELECT sent.execution_id AS key, near.*
    FROM sent JOIN near ON near.session_id = sent.session_id
     AND near.started_at >= sent.started_at AND near.started_at <= sent.ran_to_at
    WHERE near.quality & %(total)s = 0 AND sent.execution_id NOT IN (SELECT key FROM named)
), by_model AS MATERIALIZED (
    SELECT key, model, count(*) AS calls, count(*) FILTER (WHERE error_type <> '') AS failed_calls,
           count(*) FILTER (WHERE cost_nanousd IS NULL) AS unpriced_calls, min(started_at) AS first_call_at,
           max(started_at) AS last_call_at, max(agent) AS agent, max(host) AS host, max(session_id) AS session_id,
           max(session_type) AS session_type, max(task_type) AS task_type, max(objective) AS objective, {sums},
           sum(input_uncached + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown + output) AS tokens
    FROM own GROUP BY key, model
), summed AS MATERIALIZED (
    SELECT key, sum(calls)::int8 AS calls, sum(failed_calls)::int8 AS failed_calls,
           sum(unpriced_calls)::int8 AS unpriced_calls, min(first_call_at) AS first_call_at,
           max(last_call_at) AS last_call_at, max(agent) AS agent, max(host) AS host, max(session_id) AS session_id,
           max(session_type) AS session_type, max(task_type) AS task_type, max(objective) AS objective, {totals},
           (array_agg(model ORDER BY cost_nanousd DESC NULLS LAST, tokens DESC, model))[1] AS model
    FROM by_model GROUP BY key
), helped AS (
    SELECT key, count(*) AS subagents
    FROM (SELECT DISTINCT key, subagent_id FROM own WHERE subagent_id <> '') AS helper GROUP BY key
), ended AS (
    SELECT own.key, max(own.error_type) AS error_type
    FROM own JOIN summed ON summed.key = own.key AND own.started_at = summed.last_call_at
    WHERE own.error_type <> '' GROUP BY own.key
)
SELECT sent.project_id, sent.execution_id, sent.started_at,
       greatest(last_call_at, sent.started_at + sent.duration_ms * interval '1 millisecond') AS ended_at,
       coalesce(encode(substr(sha256(convert_to(same.task, 'UTF8')), 1, 16), 'hex'), '') AS task_key,
       sent.task_id, coalesce(nullif(sent.task_type, ''), summed.task_type, '') AS task_type, sent.tool, sent.action,
       coalesce(nullif(sent.agent, ''), summed.agent, '') AS agent, coalesce(summed.host, '') AS host,
       coalesce(summed.model, sent.model) AS model,
       coalesce(nullif(sent.session_id, ''), summed.session_id, '') AS session_id,
       coalesce(nullif(sent.session_type, ''), summed.session_type, '') AS session_type,
       coalesce(nullif(sent.objective, ''), summed.objective, '') AS objective, sent.source, sent.status,
       said.errors, sent.duration_ms,
       sent.source = '' OR sent.source LIKE 'otlp:%%' OR sent.source = ANY(%(transcripts)s) AS is_cut,
       coalesce(ended.error_type ~* %(fault)s, false) OR sent.errors::text ~* %(fault)s AS is_provider_fault,
       CASE lower(sent.attributes ->> 'verified') WHEN 'true' THEN true WHEN 'false' THEN false END AS is_verified,
       coalesce(md5(nullif(said.result, '')), '') AS result_digest,
       coalesce(summed.calls, 0), coalesce(summed.failed_calls, 0), coalesce(helped.subagents, 0),
       {found}, coalesce(summed.unpriced_calls, 0), summed.first_call_at, summed.last_call_at
FROM sent
LEFT JOIN summed ON summed.key = sent.execution_id
LEFT JOIN helped ON helped.key = sent.execution_id
LEFT JOIN ended ON ended.key = sent.execution_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN jsonb_typeof(sent.errors) = 'array' THEN jsonb_array_length(sent.errors) ELSE 0 END AS errors,
           coalesce(sent.attributes ->> 'result', sent.attributes ->> 'result_hash', sent.attributes ->> 'output')
           AS result,
           btrim(regexp_replace(regexp_replace(lower(left(sent.attributes ->> 'description', 4000)),
                                               %(changing)s, '#', 'g'), '\s+', ' ', 'g')) AS description
) AS said
CROSS JOIN LATERAL (
    SELECT CASE WHEN sent.task_id <> '' THEN ROW('id', sent.task_id)::text
                WHEN said.description <> ''
                THEN ROW('what', sent.task_type, sent.tool, sent.action, said.description)::text END AS task
) AS same
ORDER BY sent.execution_id
ON CONFLICT (project_id, execution_id) DO UPDATE
SET ({columns}) = ROW({excluded})
WHERE ({known}) IS DISTINCT FROM ({excluded})
RETURNING execution_id
