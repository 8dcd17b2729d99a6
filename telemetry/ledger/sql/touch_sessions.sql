-- Make or extend sessions, in order of their key; a session that lies inside what is known is not written again.
INSERT INTO telemetry_session AS known (project_id, session_id, agent, host, session_type, started_at, last_call_at)
SELECT %(project)s, sent.*
FROM unnest(%(keys)s::text[], %(agents)s::text[], %(hosts)s::text[], %(types)s::text[],
            %(first)s::timestamptz[], %(last)s::timestamptz[])
     AS sent (session_id, agent, host, session_type, started_at, last_call_at)
ORDER BY sent.session_id
ON CONFLICT (project_id, session_id) DO UPDATE
SET agent = coalesce(nullif(known.agent, ''), excluded.agent),
    host = coalesce(nullif(known.host, ''), excluded.host),
    session_type = coalesce(nullif(known.session_type, ''), excluded.session_type),
    started_at = least(known.started_at, excluded.started_at),
    last_call_at = greatest(known.last_call_at, excluded.last_call_at)
WHERE excluded.started_at < known.started_at OR excluded.last_call_at > known.last_call_at
   OR (known.agent = '' AND excluded.agent <> '') OR (known.host = '' AND excluded.host <> '')
   OR (known.session_type = '' AND excluded.session_type <> '')
