-- The sums of each bucket by one dimension. The edges are made by the reader, in his zone; buckets count from 1.
SELECT width_bucket(started_at, %(edges)s::timestamptz[]) AS bucket, {dimension} AS key, {sums}
FROM telemetry_call
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s {filters}
GROUP BY 1, 2
ORDER BY 1, 2
