-- Note minutes that were folded, a row a UTC hour.
INSERT INTO telemetry_run_mark (project_id, hour, minutes)
SELECT %(project)s, date_trunc('hour', minute, 'UTC') AS hour, array_agg(minute ORDER BY minute)
FROM unnest(%(minutes)s::timestamptz[]) AS folded (minute)
GROUP BY 2
ORDER BY 2
