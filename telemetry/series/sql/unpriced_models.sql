-- Models whose calls in a window have no cost.
SELECT provider, model, sum(unpriced_calls)::int8 AS calls
FROM {rows}
WHERE unpriced_calls > 0 {filters}
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2
