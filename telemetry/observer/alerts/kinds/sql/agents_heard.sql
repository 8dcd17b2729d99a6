-- Agents that had calls lately: on how many of the whole local days before today, and when the last one was.
SELECT agent,
       count(DISTINCT bucket) FILTER (WHERE bucket >= %(week)s AND bucket < %(today)s) AS days,
       max(last_at) AS last_at
FROM telemetry_rollup_brief_1d
WHERE project_id = %(project)s AND bucket >= %(start)s AND bucket < %(end)s AND agent <> '' AND last_at IS NOT NULL
GROUP BY agent
ORDER BY agent
