-- Delete whatever a project has in a rollup in a span of time.
DELETE FROM {table} WHERE project_id = %(project)s AND bucket >= %(start)s AND bucket < %(end)s
