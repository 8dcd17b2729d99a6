-- Write what is known of a conversation, unless another request of it did since `known` was read: then no row.
INSERT INTO routing_conversation AS kept (project_id, digest, version, state, seen_at, expires_at)
VALUES (%(project_id)s, %(digest)s, %(fresh)s, %(state)s, %(seen_at)s, %(expires_at)s)
ON CONFLICT (project_id, digest) DO UPDATE
SET version = kept.version + 1, state = excluded.state, seen_at = excluded.seen_at, expires_at = excluded.expires_at
WHERE kept.version = %(known)s
RETURNING version;
