-- Sum up the rows of a smaller rollup by session, each span of time into the bucket of its start. OFFSET 0: span by span,
-- whatever the planner thinks.
INSERT INTO {table} (project_id, bucket, session_id, series_id, {dimensions}, {measures}, first_at, last_at)
SELECT project_id, span.started_at, session_id, series_id, {dimensions}, {sums}, min(first_at), max(last_at)
FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS span (started_at, ended_at)
CROSS JOIN LATERAL (
    SELECT * FROM {source}
    WHERE project_id = %(project)s AND bucket >= %(start)s AND bucket < %(end)s
      AND bucket >= span.started_at AND bucket < span.ended_at {those}
    OFFSET 0) AS part
GROUP BY project_id, span.started_at, session_id, series_id, {dimensions}
