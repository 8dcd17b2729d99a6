-- The executions that a change in these minutes may concern, in order of the first that does: those begun in them (or whose
-- rows say so: one may be gone, or begin earlier now), those that calls in them name, and those of whose session a call
-- is between the first and the last of them while they ran. Each minute and each session is looked up by itself, whatever
-- the planner thinks (OFFSET 0).
WITH changed AS MATERIALIZED (
    SELECT minute FROM unnest(%(minutes)s::timestamptz[]) AS changed (minute)
), called AS MATERIALIZED (
    SELECT execution_id, session_id, min(minute) AS first, max(minute) AS last
    FROM changed CROSS JOIN LATERAL (
        SELECT execution_id, session_id FROM telemetry_call
        WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
          AND started_at >= minute AND started_at < minute + interval '1 minute'
        OFFSET 0
    ) AS call
    GROUP BY execution_id, session_id
)
SELECT execution_id
FROM (
    SELECT execution_id, first AS minute FROM called WHERE execution_id <> ''
    UNION ALL
    SELECT execution_id, minute
    FROM changed CROSS JOIN LATERAL (
        SELECT execution_id FROM telemetry_execution
        WHERE project_id = %(project)s AND started_at >= minute AND started_at < minute + interval '1 minute'
        OFFSET 0
    ) AS begun
    UNION ALL
    SELECT execution_id, minute
    FROM changed CROSS JOIN LATERAL (
        SELECT execution_id FROM telemetry_rollup_run
        WHERE project_id = %(project)s AND started_at >= minute AND started_at < minute + interval '1 minute'
        OFFSET 0
    ) AS known
    UNION ALL
    SELECT execution_id, first
    FROM (SELECT session_id, min(first) AS first, max(last) AS last FROM called WHERE session_id <> '' GROUP BY session_id
         ) AS talked
    CROSS JOIN LATERAL (
        SELECT execution_id FROM telemetry_rollup_run AS run
        WHERE project_id = %(project)s AND run.session_id <> '' AND run.session_id = talked.session_id
          AND started_at >= first - %(after)s::interval AND started_at < last + interval '1 minute'
          AND started_at + duration_ms * interval '1 millisecond' >= first
        OFFSET 0
    ) AS running
) AS touched
WHERE execution_id NOT LIKE 'meter:%%'
GROUP BY execution_id
ORDER BY min(minute), execution_id
