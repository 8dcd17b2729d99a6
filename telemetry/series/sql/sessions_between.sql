-- The sessions with calls in a window, their sums there, when the whole of each was, and how many there are in all.
SELECT found.session_id, whole.first_at, whole.last_at, count(*) OVER () AS sessions, {names}
FROM (SELECT session_id, {sums}
      FROM {rows}
      WHERE calls > 0 AND session_id <> '' {filters}
      GROUP BY session_id) AS found
JOIN telemetry_rollup_session AS whole USING (session_id)
WHERE whole.project_id = %(project)s
ORDER BY {order}
LIMIT %(limit)s OFFSET %(offset)s
