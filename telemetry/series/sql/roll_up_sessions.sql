-- Sum up the rows of a smaller rollup by session, each span of time into the bucket of its start.
INSERT INTO {table} (project_id, bucket, session_id, series_id, {dimensions}, {measures}, first_at, last_at)
SELECT project_id, span.started_at, session_id, series_id, {dimensions}, {sums}, min(first_at), max(last_at)
FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS span (started_at, ended_at)
JOIN {source} AS part
  ON part.project_id = %(project)s AND part.bucket >= %(start)s AND part.bucket < %(end)s
 AND part.bucket >= span.started_at AND part.bucket < span.ended_at
GROUP BY project_id, span.started_at, session_id, series_id, {dimensions}
