-- What was unusually high on the newest of some days that was judged.
SELECT {columns}
FROM telemetry_trend
WHERE project_id = %(project)s AND is_flagged AND effect > 1
  AND day = (SELECT max(day) FROM telemetry_trend_day
             WHERE project_id = %(project)s AND day >= %(first)s AND day <= %(last)s)
ORDER BY at_stake_nanousd DESC, dimension, name, what
LIMIT %(limit)s
