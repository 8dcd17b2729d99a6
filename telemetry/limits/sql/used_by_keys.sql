-- What was reserved and settled with each key under a budget, in the span that runs.
SELECT subject, used
FROM telemetry_budget_window
WHERE project_id = %(project)s AND budget_id = %(budget)s AND scope = 'key' AND period = %(period)s AND counts = %(counts)s
  AND from_at <= %(now)s AND to_at > %(now)s
ORDER BY used DESC, subject
LIMIT %(most)s
