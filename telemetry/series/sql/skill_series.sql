-- The loads of each skill in each bucket of a range. Buckets begin at `edges`, of which the first is the range's start.
SELECT edge.at, loaded.skill, count(*) AS loads, sum(loaded.tokens)::int8 AS tokens
FROM (
    SELECT skill, tokens, width_bucket(loaded_at, %(edges)s::timestamptz[]) AS place
    FROM telemetry_skill_invocation
    WHERE project_id = %(project)s AND loaded_at >= %(start)s AND loaded_at < %(end)s {filters}
) AS loaded
JOIN unnest(%(edges)s::timestamptz[]) WITH ORDINALITY AS edge (at, place) ON edge.place = loaded.place
GROUP BY edge.at, loaded.skill
ORDER BY edge.at, loaded.skill
