-- Where the calls live that stand for the totals of executions.
SELECT id, started_at FROM telemetry_identity WHERE project_id = %(project)s AND id = ANY(%(ids)s)
