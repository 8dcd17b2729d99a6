-- The sums of a window.
SELECT {sums}
FROM telemetry_call
WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s {filters}
