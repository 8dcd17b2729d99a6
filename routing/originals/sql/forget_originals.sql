-- Delete some of what expired of a project, and nothing that somebody is just about to keep on.
DELETE FROM routing_original
WHERE project_id = %(project_id)s AND sha256 IN (
    SELECT sha256
    FROM routing_original
    WHERE project_id = %(project_id)s AND expires_at < %(now)s
    ORDER BY sha256
    LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
);
