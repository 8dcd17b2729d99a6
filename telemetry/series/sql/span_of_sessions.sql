-- When the first and the last call of sessions were.
SELECT min(first_at), max(last_at) FROM telemetry_rollup_session
WHERE project_id = %(project)s AND session_id = ANY(%(sessions)s)
