-- What is known of a conversation; without its state where that is known already.
SELECT version, seen_at, expires_at, CASE WHEN version = %(known)s THEN NULL ELSE state END
FROM routing_conversation
WHERE project_id = %(project_id)s AND digest = %(digest)s;
