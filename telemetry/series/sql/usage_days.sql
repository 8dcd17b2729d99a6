-- The sums of each local day. The edges are made by the reader, in his zone; days count from 1.
SELECT width_bucket(at, %(edges)s::timestamptz[]) AS day, {sums}
FROM {rows}
WHERE calls > 0 {filters}
GROUP BY 1
ORDER BY 1
