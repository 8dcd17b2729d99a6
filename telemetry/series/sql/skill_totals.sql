-- The loads of each skill in a range.
SELECT skill, count(*) AS loads, sum(tokens)::int8 AS tokens, count(DISTINCT digest) AS contents,
       count(DISTINCT execution_id) FILTER (WHERE execution_id <> '') AS runs,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY load_us) AS load_us_p50,
       percentile_disc(0.99) WITHIN GROUP (ORDER BY load_us) AS load_us_p99,
       max(loaded_at) AS last_at
FROM telemetry_skill_invocation
WHERE project_id = %(project)s AND loaded_at >= %(start)s AND loaded_at < %(end)s {filters}
GROUP BY skill
ORDER BY loads DESC, skill
