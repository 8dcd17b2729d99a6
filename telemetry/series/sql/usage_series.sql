-- The sums of each bucket by one dimension. The edges are made by the reader, in his zone; buckets count from 1.
SELECT width_bucket(at, %(edges)s::timestamptz[]) AS bucket, {dimension} AS key, {sums}
FROM {rows}
WHERE calls > 0 {filters}
GROUP BY 1, 2
ORDER BY 1, 2
