-- The sessions with calls in a window, those that began last first: those whose first call lies in it, those whose last one
-- does and that began before, and of those that were there before and after it, which have rows in it. IS TRUE: as in
-- count_sessions.sql.
SELECT session_id, cost_nanousd, tokens, first_at, last_at
FROM ((SELECT * FROM telemetry_rollup_session
       WHERE project_id = %(project)s AND first_at >= %(start)s AND first_at < %(end)s
       ORDER BY first_at DESC, session_id LIMIT %(most)s)
      UNION ALL
      (SELECT * FROM telemetry_rollup_session
       WHERE project_id = %(project)s AND last_at >= %(start)s AND last_at < %(end)s AND first_at < %(start)s
       ORDER BY first_at DESC, session_id LIMIT %(most)s)
      UNION ALL
      (SELECT * FROM telemetry_rollup_session
       WHERE project_id = %(project)s AND last_at >= %(end)s AND first_at < %(start)s
         AND (session_id IN (SELECT session_id FROM {rows} WHERE calls > 0)) IS TRUE
       ORDER BY first_at DESC, session_id LIMIT %(most)s)) AS among
ORDER BY first_at DESC, session_id
LIMIT %(limit)s OFFSET %(offset)s
