-- What a conversation needs stays, and what that is made of, for as long as the conversation is known.
WITH RECURSIVE needed AS (
    SELECT sha256, parts
    FROM routing_original
    WHERE project_id = %(project_id)s AND sha256 = ANY(%(roots)s)
    UNION
    SELECT part.sha256, part.parts
    FROM needed
    INNER JOIN routing_original AS part ON part.project_id = %(project_id)s AND part.sha256 = ANY(needed.parts)
),

held AS (
    SELECT sha256
    FROM routing_original
    WHERE
        project_id = %(project_id)s AND sha256 IN (SELECT needed.sha256 FROM needed)
        AND expires_at < %(expires_at)s
    ORDER BY sha256
    FOR UPDATE
)

UPDATE routing_original AS kept
SET expires_at = %(expires_at)s
FROM held
WHERE kept.project_id = %(project_id)s AND kept.sha256 = held.sha256;
