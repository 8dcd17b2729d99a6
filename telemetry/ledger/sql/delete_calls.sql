-- Delete a page of calls, between the first and the last of them.
DELETE FROM telemetry_call
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at <= %(last)s AND id = ANY(%(ids)s)
