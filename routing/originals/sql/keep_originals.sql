-- Keep what is left out of a prompt; what is there already stays for as long as this would, at least.
INSERT INTO routing_original AS kept (project_id, sha256, kind, content, size, parts, expires_at)
SELECT
    %(project_id)s, one.sha256, one.kind, one.content, length(one.content), string_to_array(one.parts, ' '),
    %(expires_at)s
FROM unnest(%(sha256)s::text [], %(kind)s::text [], %(content)s::bytea [], %(parts)s::text [])
    AS one (sha256, kind, content, parts)
ORDER BY one.sha256 COLLATE "C"
ON CONFLICT (project_id, sha256) DO UPDATE SET expires_at = excluded.expires_at
WHERE kept.expires_at < excluded.expires_at;
