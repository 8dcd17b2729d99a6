-- Delete what a table holds of a project.
DELETE FROM {table} WHERE project_id = %(project)s
