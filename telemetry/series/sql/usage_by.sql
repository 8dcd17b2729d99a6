-- The sums of a window by one dimension, dearest first, then by tokens.
SELECT {dimension} AS key, {sums}
FROM {rows}
WHERE calls > 0 {filters}
GROUP BY 1
ORDER BY cost_nanousd DESC,
         sum(input_uncached + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown + output) DESC, 1
LIMIT %(limit)s
