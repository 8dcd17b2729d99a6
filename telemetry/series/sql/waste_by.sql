-- What anomalies come to in each bucket of a window by what was found and what people said, and their runs once
-- (detector ''). The edges are made by the reader; buckets count from 1.
SELECT width_bucket(at, %(edges)s::timestamptz[]), detector, severity, state, sum(anomalies)::int8, sum(tokens_wasted),
       sum(tokens_once)
FROM {rows}
WHERE true {filters}
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
