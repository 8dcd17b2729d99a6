-- opencode's messages (its first version): who sent one and what it used is JSON in `data`.
SELECT id, session_id, data
FROM message
WHERE id > :after
ORDER BY id
LIMIT :page
