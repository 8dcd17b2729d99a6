-- Sessions whose counters last showed something before a moment.
SELECT session_id FROM telemetry_meterpoint
WHERE project_id = %(project)s
GROUP BY session_id
HAVING max(last_at) < %(before)s
ORDER BY session_id
