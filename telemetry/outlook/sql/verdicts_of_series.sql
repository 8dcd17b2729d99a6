-- What was said of a series, oldest day first.
SELECT {columns}
FROM telemetry_trend
WHERE project_id = %(project)s AND day >= %(first)s AND day <= %(last)s
  AND dimension = %(dimension)s AND name = %(name)s
ORDER BY day, what
