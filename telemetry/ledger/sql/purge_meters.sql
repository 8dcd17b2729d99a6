-- Delete all that the counters of these sessions showed.
DELETE FROM telemetry_meterpoint WHERE project_id = %(project)s AND session_id = ANY(%(sessions)s)
