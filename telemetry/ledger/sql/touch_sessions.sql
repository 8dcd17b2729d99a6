-- Make or extend sessions, in order of their key. Those that need nothing are left out before a lock is taken, so
-- that batches of one session, sent in parallel, do not wait for each other; and a row is not written again for each
-- call: its first and last moment are calls' own, and no call lies farther than `slack` outside of them.
INSERT INTO telemetry_session AS known (project_id, session_id, agent, host, session_type, started_at, last_call_at)
SELECT %(project)s, sent.*
FROM json_to_recordset(%(rows)s::json)
     AS sent (session_id text, agent text, host text, session_type text, started_at timestamptz,
              last_call_at timestamptz)
LEFT JOIN telemetry_session AS there ON there.project_id = %(project)s AND there.session_id = sent.session_id
WHERE there.session_id IS NULL OR sent.started_at < there.started_at - %(slack)s::interval
   OR sent.last_call_at > there.last_call_at + %(slack)s::interval
   OR (there.agent = '' AND sent.agent <> '') OR (there.host = '' AND sent.host <> '')
   OR (there.session_type = '' AND sent.session_type <> '')
ORDER BY sent.session_id
ON CONFLICT (project_id, session_id) DO UPDATE
SET agent = coalesce(nullif(known.agent, ''), excluded.agent),
    host = coalesce(nullif(known.host, ''), excluded.host),
    session_type = coalesce(nullif(known.session_type, ''), excluded.session_type),
    started_at = least(known.started_at, excluded.started_at),
    last_call_at = greatest(known.last_call_at, excluded.last_call_at)
