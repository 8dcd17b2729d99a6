-- How many calls of a window fall into each bin of tokens and of duration, by one dimension.
SELECT {dimension} AS key, spread.what, spread.bin, sum(spread.number)::int8 AS number
FROM {rows}
CROSS JOIN LATERAL (
    SELECT 'tokens', bin, number FROM unnest(tokens_bins, tokens_counts) AS counted (bin, number)
    UNION ALL
    SELECT 'duration', bin, number FROM unnest(duration_bins, duration_counts) AS counted (bin, number)
) AS spread (what, bin, number)
WHERE calls > 0 {filters}
GROUP BY 1, 2, 3
