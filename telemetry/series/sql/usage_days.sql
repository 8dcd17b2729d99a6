-- The sums of each local day. The edges are made by the reader, in his zone; days count from 1.
SELECT width_bucket(started_at, %(edges)s::timestamptz[]) AS day, {sums}
FROM telemetry_call
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s {filters}
GROUP BY 1
ORDER BY 1
