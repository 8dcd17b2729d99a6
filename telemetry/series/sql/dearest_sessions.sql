-- The sessions that went on in a window, the first in an order of what their whole life came to: no part of a session
-- comes to more than all of it.
SELECT session_id, cost_nanousd, tokens, first_at, last_at
FROM telemetry_rollup_session
WHERE project_id = %(project)s AND last_at >= %(start)s AND first_at < %(end)s
ORDER BY {order}
LIMIT %(count)s
