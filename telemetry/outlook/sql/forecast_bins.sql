-- How many runs came to a place in each step of what was expected of them; rounded first, for 0.55 * 20 is above 11.
SELECT greatest(ceil(round((outcome_share * %(steps)s)::numeric, 6)), 1)::int AS step, count(*) AS runs
FROM telemetry_forecast
WHERE project_id = %(project)s AND asked_at >= %(start)s AND asked_at < %(end)s AND outcome_share IS NOT NULL {filters}
GROUP BY step
ORDER BY step
