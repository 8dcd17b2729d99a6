-- Projects that have runs which are over and were not learned from, by the oldest of these.
SELECT DISTINCT project_id
FROM (SELECT project_id FROM telemetry_run_learned WHERE due_at <= %(now)s ORDER BY due_at LIMIT 10000) AS due
