-- What the days from the first to the last were against those before: dearest first.
SELECT {columns}
FROM telemetry_trend
WHERE project_id = %(project)s AND day >= %(first)s AND day <= %(last)s
ORDER BY day, what, dimension, cost_nanousd DESC, tokens DESC, name
