-- Have windows for oneself until the transaction ends. A statement of its own: what comes next sees all that was settled
-- before the lock was had.
SELECT id FROM telemetry_budget_window
WHERE project_id = %(project)s AND id = ANY(%(ids)s::uuid[])
ORDER BY id
FOR NO KEY UPDATE
