-- How many anomalies of each detector a person has judged, and how many of them were none.
SELECT detector, count(*), count(*) FILTER (WHERE state = 'not_waste')
FROM telemetry_anomaly
WHERE project_id = %(project)s AND state <> 'new'
GROUP BY 1
