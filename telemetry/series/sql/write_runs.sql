-- Executions with the sums of their calls: of those that bear the execution's id (totals that were sent are such a call),
-- or where none does, of those of its session while it ran. Rows that are the same stay untouched; the others come back.
-- Calls are read span by span, whatever the planner thinks (OFFSET 0), and added up as they are read. The project comes
-- from the rows, so that where projects are shards no row leaves its own. Rows are written in order of their key.
INSERT INTO telemetry_rollup_run AS known (project_id, execution_id, {columns})
WITH sent AS MATERIALIZED (
    SELECT *, CASE WHEN session_id <> '' AND duration_ms >= 0
                   THEN started_at + least(duration_ms * interval '1 millisecond', %(after)s::interval) END AS ran_to_at
    FROM telemetry_execution
    WHERE project_id = %(project)s AND execution_id = ANY(%(keys)s)
), named AS MATERIALIZED (
    SELECT sent.execution_id AS key, call.model, call.subagent_id, {sums}
    FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS span (from_at, to_at)
    CROSS JOIN LATERAL (
        SELECT {call}
        FROM telemetry_call
        WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at <= %(end)s
          AND started_at >= span.from_at AND started_at <= span.to_at AND execution_id <> ''
        OFFSET 0
    ) AS call
    JOIN sent ON sent.execution_id = call.execution_id
     AND (call.quality & %(total)s <> 0 OR (call.started_at >= sent.started_at - %(before)s::interval
                                            AND call.started_at <= sent.started_at + %(after)s::interval))
    GROUP BY sent.execution_id, call.model, call.subagent_id
), unnamed AS MATERIALIZED (
    SELECT execution_id, session_id, started_at, ran_to_at FROM sent
    WHERE ran_to_at IS NOT NULL AND execution_id NOT IN (SELECT key FROM named)
), parts AS MATERIALIZED (
    SELECT * FROM named
    UNION ALL
    SELECT unnamed.execution_id AS key, call.model, call.subagent_id, {sums}
    FROM (SELECT unnest(range_agg(tstzrange(started_at, ran_to_at, '[]'))) AS times FROM unnamed) AS span
    CROSS JOIN LATERAL (
        SELECT {call}
        FROM telemetry_call
        WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at <= %(end)s
          AND started_at >= lower(span.times) AND started_at <= upper(span.times)
          AND session_id <> '' AND quality & %(total)s = 0
        OFFSET 0
    ) AS call
    JOIN unnamed ON unnamed.session_id = call.session_id
     AND call.started_at >= unnamed.started_at AND call.started_at <= unnamed.ran_to_at
    GROUP BY unnamed.execution_id, call.model, call.subagent_id
), summed AS MATERIALIZED (
    SELECT key, {totals}, count(DISTINCT nullif(subagent_id, '')) AS subagents, max(last_call_at) = max(fault_at) AS is_fault
    FROM parts GROUP BY key
), dearest AS (
    SELECT DISTINCT ON (key) key, model
    FROM (SELECT key, model, sum(cost_nanousd) AS cost_nanousd, sum(tokens) AS tokens FROM parts GROUP BY key, model
         ) AS models
    ORDER BY key, cost_nanousd DESC NULLS LAST, tokens DESC, model COLLATE "C"
)
SELECT sent.project_id, sent.execution_id, sent.started_at,
       greatest(last_call_at, sent.started_at + sent.duration_ms * interval '1 millisecond') AS ended_at,
       coalesce(encode(substr(sha256(convert_to(same.task, 'UTF8')), 1, 16), 'hex'), '') AS task_key,
       sent.task_id, coalesce(nullif(sent.task_type, ''), summed.task_type, '') AS task_type, sent.tool, sent.action,
       coalesce(nullif(sent.agent, ''), summed.agent, '') AS agent, coalesce(summed.host, '') AS host,
       coalesce(dearest.model, sent.model) AS model,
       coalesce(nullif(sent.session_id, ''), summed.session_id, '') AS session_id,
       coalesce(nullif(sent.session_type, ''), summed.session_type, '') AS session_type,
       coalesce(nullif(sent.objective, ''), summed.objective, '') AS objective, sent.source, sent.status,
       said.errors, sent.duration_ms,
       sent.source = '' OR sent.source LIKE 'otlp:%%' OR sent.source = ANY(%(transcripts)s) AS is_cut,
       coalesce(summed.is_fault, false) OR (sent.errors <> '[]' AND sent.errors::text ~* %(fault)s) AS is_provider_fault,
       CASE lower(sent.attributes ->> 'verified') WHEN 'true' THEN true WHEN 'false' THEN false END AS is_verified,
       coalesce(md5(nullif(said.result, '')), '') AS result_digest,
       coalesce(summed.subagents, 0) AS subagents, {found}, summed.first_call_at, summed.last_call_at
FROM sent
LEFT JOIN summed ON summed.key = sent.execution_id
LEFT JOIN dearest ON dearest.key = sent.execution_id
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
