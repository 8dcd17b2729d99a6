-- opencode's messages (its second version); of the other types none bears usage.
SELECT id, session_id, data
FROM session_message
WHERE id > :after AND type = 'assistant'
ORDER BY id
LIMIT :page
