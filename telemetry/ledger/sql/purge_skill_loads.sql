-- Delete a page of the loads of skills before a moment.
DELETE FROM telemetry_skill_invocation
WHERE project_id = %(project)s AND id IN (
    SELECT id FROM telemetry_skill_invocation
    WHERE project_id = %(project)s AND loaded_at < %(before)s
    LIMIT %(limit)s)
