-- Write what is known of a conversation, unless another request of it did since `known` was read: then no row. Before it,
-- what is left out of its prompt; what is there already stays for as long as this would, at least.
WITH originals AS (
    INSERT INTO routing_original AS kept (project_id, sha256, kind, content, size, parts, expires_at)
    SELECT
        %(project_id)s::int8, one.sha256, one.kind, one.content, length(one.content), string_to_array(one.parts, ' '),
        %(last)s::timestamptz
    FROM unnest(%(sha256)s::text [], %(kind)s::text [], %(content)s::bytea [], %(parts)s::text [])
        AS one (sha256, kind, content, parts)
    ORDER BY one.sha256 COLLATE "C"
    ON CONFLICT (project_id, sha256) DO UPDATE SET expires_at = excluded.expires_at
    WHERE kept.expires_at < excluded.expires_at
    RETURNING kept.sha256
)

INSERT INTO routing_conversation AS kept (project_id, digest, version, state, seen_at, expires_at)
SELECT
    %(project_id)s::int8, %(digest)s::bytea, %(fresh)s::int8, %(state)s::bytea, %(seen_at)s::timestamptz,
    %(expires_at)s::timestamptz
FROM (SELECT count(*) FROM originals) AS done
ON CONFLICT (project_id, digest) DO UPDATE
SET version = kept.version + 1, state = excluded.state, seen_at = excluded.seen_at, expires_at = excluded.expires_at
WHERE kept.version = %(known)s::int8
RETURNING version;
