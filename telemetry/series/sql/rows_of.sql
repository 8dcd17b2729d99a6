-- Which rows buckets of a project have.
SELECT DISTINCT session_id, series_id FROM {table} WHERE project_id = %(project)s AND bucket = ANY(%(starts)s)
