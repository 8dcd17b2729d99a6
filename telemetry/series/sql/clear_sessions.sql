-- Delete the sums of whole sessions.
DELETE FROM telemetry_rollup_session WHERE project_id = %(project)s AND session_id = ANY(%(sessions)s)
