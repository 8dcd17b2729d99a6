-- Sessions under a budget: how many, how many beyond it, the most, and the fullest that goes on.
WITH lately AS MATERIALIZED (
    SELECT DISTINCT session_id
    FROM telemetry_rollup_session_1d
    WHERE project_id = %(project)s AND bucket >= %(since)s AND bucket < %(end)s AND session_id <> '' AND calls > 0
), whole AS MATERIALIZED (
    SELECT day.session_id, {amount} AS used, min(first_at) AS first_at, max(last_at) AS last_at
    FROM telemetry_rollup_session_1d AS day
    JOIN lately USING (session_id)
    WHERE day.project_id = %(project)s AND calls > 0 AND {whose}
    GROUP BY day.session_id
), fullest AS (
    SELECT session_id, used, first_at, last_at
    FROM whole
    WHERE last_at >= %(running)s
    ORDER BY used DESC, session_id
    LIMIT 1
)
SELECT count(*), count(*) FILTER (WHERE used > %(limit)s), coalesce(max(used), 0),
       (SELECT session_id FROM fullest), (SELECT used FROM fullest),
       (SELECT first_at FROM fullest), (SELECT last_at FROM fullest)
FROM whole
