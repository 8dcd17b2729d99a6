-- Delete what a table holds of executions.
DELETE FROM {table} WHERE project_id = %(project)s AND execution_id = ANY(%(keys)s)
