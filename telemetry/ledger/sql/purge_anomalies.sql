-- Delete the anomalies of executions; the moments of their runs come back.
DELETE FROM telemetry_anomaly WHERE project_id = %(project)s AND execution_id = ANY(%(keys)s) RETURNING started_at
