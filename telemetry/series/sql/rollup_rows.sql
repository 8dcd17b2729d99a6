-- Rows of a rollup in one piece of a window: the sums of a bucket by all the dimensions that the rollup keeps.
SELECT bucket AS at, {columns}
FROM {table}
WHERE project_id = %(project)s AND bucket >= {start} AND bucket < {end}
