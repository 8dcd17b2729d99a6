-- Delete some conversations of a project that nobody went on with.
DELETE FROM routing_conversation
WHERE project_id = %(project_id)s AND digest IN (
    SELECT digest
    FROM routing_conversation
    WHERE project_id = %(project_id)s AND expires_at < %(now)s
    ORDER BY digest
    LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
);
