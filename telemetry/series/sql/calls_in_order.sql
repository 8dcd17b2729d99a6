-- A page of the calls of a session or a run.
{own_calls}
SELECT number, started_at, model, subagent_id, skill, input_uncached, cache_read,
       cache_write_5m + cache_write_1h + cache_write_unknown AS cache_write, output, cost_nanousd, duration_ms,
       error_type, quality & %(total)s <> 0 AS is_total
FROM own
ORDER BY number
LIMIT %(limit)s OFFSET %(offset)s
