-- The executions that a change in these minutes may concern, each with the first of them: those begun in them (or whose
-- rows say so: one may be gone, or begin earlier now), those that calls in them name, and those in whose session a call
-- of them is while they ran. Each minute and session is looked up by itself, whatever the planner thinks (OFFSET 0).
WITH changed AS MATERIALIZED (
    SELECT minute FROM unnest(%(minutes)s::timestamptz[]) AS changed (minute)
), called AS MATERIALIZED (
    SELECT DISTINCT minute, execution_id, session_id
    FROM changed CROSS JOIN LATERAL (
        SELECT execution_id, session_id FROM telemetry_call
        WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
          AND started_at >= minute AND started_at < minute + interval '1 minute'
        OFFSET 0
    ) AS call
)
SELECT execution_id, min(minute)
FROM (
    SELECT execution_id, minute FROM called WHERE execution_id <> ''
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
    SELECT execution_id, minute
    FROM (SELECT DISTINCT minute, session_id FROM called WHERE session_id <> '') AS talked
    CROSS JOIN LATERAL (
        SELECT execution_id FROM telemetry_rollup_run AS run
        WHERE project_id = %(project)s AND run.session_id <> '' AND run.session_id = talked.session_id
          AND started_at >= minute - %(after)s::interval AND started_at < minute + interval '1 minute'
          AND started_at + duration_ms * interval '1 millisecond' >= minute
        OFFSET 0
    ) AS running
) AS touched
WHERE execution_id NOT LIKE 'meter:%%'
GROUP BY execution_id
