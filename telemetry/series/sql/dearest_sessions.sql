-- The sessions with calls in a window whose whole life cost the most: no part of a session costs more than all of it.
SELECT session_id, cost_nanousd, tokens
FROM telemetry_rollup_session
WHERE project_id = %(project)s AND last_at >= %(start)s AND first_at < %(end)s
ORDER BY cost_nanousd DESC, tokens DESC
LIMIT %(count)s
