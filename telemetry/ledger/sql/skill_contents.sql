-- Each content of a skill that was loaded: how often, and from when to when.
SELECT digest, max(tokens) AS tokens, count(*) AS loads, min(loaded_at) AS first_at, max(loaded_at) AS last_at
FROM telemetry_skill_invocation
WHERE project_id = %(project)s AND skill = %(skill)s
GROUP BY digest
ORDER BY first_at DESC, digest
LIMIT 200
