-- What was unusual on some days: first what no other series explains, then by what is at stake.
SELECT {columns}
FROM telemetry_trend
WHERE project_id = %(project)s AND day >= %(first)s AND day <= %(last)s AND is_flagged
ORDER BY root_dimension <> '', abs(at_stake_nanousd) DESC, day DESC, dimension, name, what
LIMIT %(limit)s
