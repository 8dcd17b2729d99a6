-- What was said of days, as far as those after them need it: which were unusual or may have begun a shift, and all of the
-- last few.
SELECT dimension, name, what, day, effect, p, is_flagged
FROM telemetry_trend
WHERE project_id = %(project)s AND day >= %(first)s AND day < %(day)s
  AND (is_flagged OR day >= %(recent)s OR p <= %(rare)s)
ORDER BY dimension, name, what, day
