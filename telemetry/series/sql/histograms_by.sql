-- How many calls of a window fall into each bin of tokens and of duration, by one dimension. Each is added up on its own,
-- of rows that are read once: of both together, with what they are of as a part of the key, it took three times as long.
WITH spread AS MATERIALIZED (
    SELECT {dimension} AS key, tokens_bins, tokens_counts, duration_bins, duration_counts
    FROM {rows}
    WHERE calls > 0 {filters}
)
SELECT key, 'tokens' AS what, bin, sum(number)::int8 AS number
FROM (SELECT key, unnest(tokens_bins) AS bin, unnest(tokens_counts) AS number FROM spread) AS counted
GROUP BY key, bin
UNION ALL
SELECT key, 'duration', bin, sum(number)::int8
FROM (SELECT key, unnest(duration_bins) AS bin, unnest(duration_counts) AS number FROM spread) AS counted
GROUP BY key, bin
