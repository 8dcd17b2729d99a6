-- The oldest and newest call of a project in a range; each is one look into the primary key of each partition.
SELECT (SELECT min(started_at) FROM telemetry_call
        WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s) AS first_call_at,
       (SELECT max(started_at) FROM telemetry_call
        WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s) AS last_call_at
