-- Take runs that are over and were not learned from, those that ended first before the others.
WITH due AS MATERIALIZED (
    SELECT execution_id FROM telemetry_run_learned
    WHERE project_id = %(project)s AND due_at <= %(now)s
    ORDER BY due_at, execution_id
    LIMIT %(most)s
)
UPDATE telemetry_run_learned AS known SET due_at = NULL
FROM due
WHERE known.project_id = %(project)s AND known.execution_id = due.execution_id
RETURNING known.execution_id
