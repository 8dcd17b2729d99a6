-- Which days were judged, and the zone that cut them.
SELECT day, zone FROM telemetry_trend_day WHERE project_id = %(project)s AND day >= %(first)s AND day <= %(last)s
