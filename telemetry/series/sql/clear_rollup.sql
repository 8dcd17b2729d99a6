-- Delete buckets of a project in a rollup.
DELETE FROM {table} WHERE project_id = %(project)s AND bucket = ANY(%(starts)s)
