-- Delete buckets of a project in a rollup, all rows or those of some sessions or series.
DELETE FROM {table} WHERE project_id = %(project)s AND bucket = ANY(%(starts)s) {those}
