-- What sessions came to as wholes.
SELECT session_id, cost_nanousd, tokens, first_at, last_at
FROM telemetry_rollup_session
WHERE project_id = %(project)s AND session_id = ANY(%(sessions)s)
