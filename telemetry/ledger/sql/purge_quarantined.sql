-- Delete a page of the records that were set apart before a moment.
DELETE FROM telemetry_quarantined
WHERE project_id = %(project)s AND id IN (
    SELECT id FROM telemetry_quarantined
    WHERE project_id = %(project)s AND received_at < %(before)s
    LIMIT %(limit)s)
