-- What each model's calls of some sessions add up to, dearest first.
SELECT session_id, model, sum(cost_nanousd) AS cost_nanousd,
       sum(input_uncached::numeric + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown + output) AS tokens
FROM {rows}
WHERE calls > 0 {filters}
GROUP BY 1, 2
ORDER BY 3 DESC, 4 DESC, 2
