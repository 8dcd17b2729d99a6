-- Which of these executions had a call in their session while they ran. A session's row answers for most:
-- its first and last moment are those of calls, and all others lie between them, or within `slack` of them.
SELECT sent.key
FROM unnest(%(keys)s::text[], %(sessions)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
     AS sent (key, session_id, started_at, ended_at)
JOIN telemetry_session AS session
  ON session.project_id = %(project)s AND session.session_id = sent.session_id
WHERE session.started_at - %(slack)s::interval <= sent.ended_at
  AND session.last_call_at + %(slack)s::interval >= sent.started_at
  AND (session.started_at BETWEEN sent.started_at AND sent.ended_at
       OR session.last_call_at BETWEEN sent.started_at AND sent.ended_at
       OR EXISTS (
       SELECT FROM telemetry_call AS call
       WHERE call.project_id = %(project)s AND call.started_at >= %(first)s AND call.started_at <= %(last)s
         AND call.started_at >= sent.started_at AND call.started_at <= sent.ended_at
         AND call.session_id = sent.session_id AND call.quality & %(total)s = 0))
