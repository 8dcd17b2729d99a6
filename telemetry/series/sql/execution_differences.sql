-- Executions that began in a window, whose sent totals are not what their calls add up to: the calls that bear the
-- execution's id, or where none does, those of its session while it ran. A total that was not sent is not compared; one
-- whose cache parts exceed it leaves the cache out, as ledger/executions.py reads it.
WITH sent AS MATERIALIZED (
    SELECT execution_id, started_at, started_at + duration_ms * interval '1 millisecond' AS ended_at, task_id, agent,
           session_id, sent_output_tokens AS output, sent_input_tokens + CASE
               WHEN coalesce(sent_cache_read_tokens, 0) + coalesce(sent_cache_write_tokens, 0) > sent_input_tokens
               THEN coalesce(sent_cache_read_tokens, 0) + coalesce(sent_cache_write_tokens, 0) ELSE 0 END AS input
    FROM telemetry_execution
    WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s AND has_calls
      AND (sent_input_tokens IS NOT NULL OR sent_output_tokens IS NOT NULL)
), by_id AS (
    SELECT execution_id, count(*) AS calls, sum(output) AS output, bool_or(true {filters}) AS is_asked_for,
           sum(input_uncached + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown) AS input
    FROM telemetry_call
    WHERE project_id = %(project)s AND started_at >= %(calls_start)s AND started_at < %(calls_end)s
      AND execution_id IN (SELECT execution_id FROM sent)
    GROUP BY 1
), counted AS (
    SELECT * FROM by_id
    UNION ALL
    SELECT sent.execution_id, own.* FROM sent CROSS JOIN LATERAL (
        SELECT count(*) AS calls, sum(output) AS output, bool_or(true {filters}) AS is_asked_for,
               sum(input_uncached + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown) AS input
        FROM telemetry_call
        WHERE project_id = %(project)s AND started_at >= %(calls_start)s AND started_at < %(calls_end)s
          AND session_id = sent.session_id AND quality & %(total)s = 0
          AND started_at >= sent.started_at AND started_at <= sent.ended_at
    ) AS own
    WHERE sent.session_id <> '' AND own.calls > 0 AND NOT EXISTS (
        SELECT FROM by_id WHERE by_id.execution_id = sent.execution_id)
)
SELECT execution_id, task_id, agent, calls, sent.input AS sent_input, counted.input::int8 AS counted_input,
       sent.output AS sent_output, counted.output::int8 AS counted_output
FROM sent JOIN counted USING (execution_id)
WHERE is_asked_for AND (sent.input <> counted.input OR sent.output <> counted.output)
ORDER BY abs(coalesce(sent.input - counted.input, 0) + coalesce(sent.output - counted.output, 0)) DESC, 1
