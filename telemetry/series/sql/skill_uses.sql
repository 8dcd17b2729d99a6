-- How often each skill was loaded in a range, and when first and last.
SELECT skill, count(*) AS loads, min(loaded_at) AS first_at, max(loaded_at) AS last_at
FROM telemetry_skill_invocation
WHERE project_id = %(project)s AND loaded_at >= %(start)s AND loaded_at < %(end)s
GROUP BY skill
ORDER BY skill
