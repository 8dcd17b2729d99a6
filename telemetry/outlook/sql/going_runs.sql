-- Those of these runs that are not over yet.
SELECT execution_id FROM telemetry_run_learned
WHERE project_id = %(project)s AND execution_id = ANY(%(keys)s) AND due_at > %(now)s
