-- Which of these executions had a call in their session while they ran. A session's first and last call answer for
-- most; calls are read only where an execution lies between the two.
SELECT sent.key
FROM unnest(%(keys)s::text[], %(sessions)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
     AS sent (key, session_id, started_at, ended_at)
JOIN telemetry_session AS session
  ON session.project_id = %(project)s AND session.session_id = sent.session_id
WHERE session.started_at <= sent.ended_at AND session.last_call_at >= sent.started_at
  AND (session.started_at >= sent.started_at OR session.last_call_at <= sent.ended_at OR EXISTS (
       SELECT FROM telemetry_call AS call
       WHERE call.project_id = %(project)s AND call.started_at >= %(first)s AND call.started_at <= %(last)s
         AND call.started_at >= sent.started_at AND call.started_at <= sent.ended_at
         AND call.session_id = sent.session_id AND call.quality & %(total)s = 0))
