-- A run by its id.
SELECT {columns} FROM telemetry_rollup_run WHERE project_id = %(project)s AND execution_id = %(execution)s
