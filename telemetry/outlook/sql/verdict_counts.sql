-- How many verdicts of each state some days have.
SELECT state, count(*)
FROM telemetry_trend
WHERE project_id = %(project)s AND day >= %(first)s AND day <= %(last)s
GROUP BY state
