-- Make buckets of a rollup of waste anew: rows that are not made any more go, and those that say the same are left alone.
WITH made AS MATERIALIZED (
    SELECT bucket, {series} AS series_id, {dimensions}, sum(anomalies) AS anomalies,
           sum(tokens_wasted) AS tokens_wasted, sum(tokens_once) AS tokens_once
    FROM ({source}) AS part
    GROUP BY bucket, {dimensions}
), gone AS (
    DELETE FROM {table} AS known
    WHERE known.project_id = %(project)s AND known.bucket = ANY(%(buckets)s)
      AND NOT EXISTS (SELECT FROM made WHERE made.bucket = known.bucket AND made.series_id = known.series_id)
)
INSERT INTO {table} AS known (project_id, bucket, series_id, {dimensions}, anomalies, tokens_wasted, tokens_once)
SELECT %(project)s, bucket, series_id, {dimensions}, anomalies, tokens_wasted, tokens_once FROM made
ON CONFLICT (project_id, bucket, series_id) DO UPDATE
SET anomalies = excluded.anomalies, tokens_wasted = excluded.tokens_wasted, tokens_once = excluded.tokens_once
WHERE (known.anomalies, known.tokens_wasted, known.tokens_once)
      <> (excluded.anomalies, excluded.tokens_wasted, excluded.tokens_once)
