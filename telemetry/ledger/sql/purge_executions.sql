-- Delete a page of executions that began before a moment; their keys come back.
DELETE FROM telemetry_execution
WHERE project_id = %(project)s AND execution_id IN (
    SELECT execution_id FROM telemetry_execution
    WHERE project_id = %(project)s AND started_at < %(before)s
    ORDER BY started_at
    LIMIT %(limit)s)
RETURNING execution_id
