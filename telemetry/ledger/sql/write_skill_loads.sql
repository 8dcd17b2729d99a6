-- Keep loads of skills; one that was told before is kept once.
INSERT INTO telemetry_skill_invocation
    (project_id, id, loaded_at, skill, digest, tokens, load_us, route, agent, task_type, session_id, execution_id)
SELECT %(project)s, sent.*
FROM unnest(
    %(id)s::uuid[], %(loaded_at)s::timestamptz[], %(skill)s::text[], %(digest)s::text[], %(tokens)s::int[],
    %(load_us)s::bigint[], %(route)s::text[], %(agent)s::text[], %(task_type)s::text[], %(session_id)s::text[],
    %(execution_id)s::text[]
) AS sent (id, loaded_at, skill, digest, tokens, load_us, route, agent, task_type, session_id, execution_id)
ORDER BY sent.id
ON CONFLICT (project_id, id) DO NOTHING
