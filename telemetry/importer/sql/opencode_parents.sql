-- opencode's sessions that another session began: those of sub-agents.
SELECT id, parent_id
FROM session
WHERE parent_id IS NOT NULL
