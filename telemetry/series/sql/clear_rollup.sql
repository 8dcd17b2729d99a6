-- Delete a project's rows of a rollup that begin in spans of time.
DELETE FROM {table} AS part
USING unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS span (started_at, ended_at)
WHERE part.project_id = %(project)s AND part.bucket >= %(start)s AND part.bucket < %(end)s
  AND part.bucket >= span.started_at AND part.bucket < span.ended_at
