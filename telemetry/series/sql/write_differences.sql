-- Executions whose sent totals are not what their calls add up to: the calls that bear the execution's id, or where none
-- does, those of its session while it ran. A total that was not sent is not compared; one whose cache parts exceed it
-- leaves the cache out, as ledger/executions.py reads it. Calls are read span by span, whatever the planner thinks
-- (OFFSET 0). The project comes from the rows, so that where projects are shards no row leaves its own.
INSERT INTO telemetry_rollup_difference (project_id, execution_id, started_at, task_id, agent, calls, sent_input,
                                         counted_input, sent_output, counted_output, labels)
WITH sent AS MATERIALIZED (
    SELECT project_id, execution_id, started_at, task_id, agent, session_id, sent_output_tokens AS output,
           started_at + duration_ms * interval '1 millisecond' AS ended_at, sent_input_tokens + CASE
               WHEN coalesce(sent_cache_read_tokens, 0) + coalesce(sent_cache_write_tokens, 0) > sent_input_tokens
               THEN coalesce(sent_cache_read_tokens, 0) + coalesce(sent_cache_write_tokens, 0) ELSE 0 END AS input
    FROM telemetry_execution
    WHERE project_id = %(project)s AND execution_id = ANY(%(keys)s)
), near AS MATERIALIZED (
    SELECT call.*
    FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS span (from_at, to_at)
    CROSS JOIN LATERAL (
        SELECT execution_id, session_id, started_at, quality, output, provider, model, agent, host, subagent_id,
               session_type, task_type, objective, skill, tier, source,
               input_uncached + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown AS input
        FROM telemetry_call
        WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at <= %(end)s
          AND started_at >= span.from_at AND started_at <= span.to_at
        OFFSET 0
    ) AS call
    WHERE call.execution_id = ANY(%(keys)s) OR call.session_id IN (SELECT session_id FROM sent WHERE session_id <> '')
), named AS MATERIALIZED (
    SELECT sent.execution_id AS key, near.*
    FROM sent JOIN near ON near.execution_id = sent.execution_id
     AND near.started_at >= sent.started_at - %(before)s::interval
     AND near.started_at <= sent.started_at + %(after)s::interval
), own AS MATERIALIZED (
    SELECT * FROM named
    UNION ALL
    SELECT sent.execution_id AS key, near.*
    FROM sent JOIN near ON near.session_id = sent.session_id
     AND near.started_at >= sent.started_at AND near.started_at <= sent.ended_at
     AND near.started_at <= sent.started_at + %(after)s::interval
    WHERE sent.session_id <> '' AND near.quality & %(total)s = 0 AND sent.execution_id NOT IN (SELECT key FROM named)
), differing AS MATERIALIZED (
    SELECT sent.*, counted.calls, counted.input AS counted_input, counted.output AS counted_output
    FROM sent
    JOIN (SELECT key, count(*) AS calls, least(sum(input), 9223372036854775807)::int8 AS input,
                 least(sum(output), 9223372036854775807)::int8 AS output
          FROM own GROUP BY key) AS counted ON counted.key = sent.execution_id
    WHERE sent.input <> counted.input OR sent.output <> counted.output
)
SELECT project_id, execution_id, started_at, task_id, agent, calls, input, counted_input, output, counted_output,
       labelled.labels
FROM differing
JOIN (SELECT key, jsonb_agg(DISTINCT jsonb_build_object(
                 'provider', provider, 'model', model, 'agent', own.agent, 'host', host, 'session_id', own.session_id,
                 'subagent_id', subagent_id, 'session_type', session_type, 'execution_id', own.execution_id,
                 'task_type', task_type, 'objective', objective, 'skill', skill, 'tier', tier, 'source', source))
                 AS labels
      FROM own
      WHERE key IN (SELECT execution_id FROM differing)
      GROUP BY key) AS labelled ON labelled.key = differing.execution_id
