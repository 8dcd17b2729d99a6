-- Executions that have a call of their own: a stub where the execution itself has not arrived yet. The row of an
-- execution that is marked for the first time comes back, with whether totals may have been sent with it. Those that
-- are marked already are left out before a lock is taken; the others, and those that the same batch writes next, are
-- locked in order of their key.
INSERT INTO telemetry_execution AS known (project_id, execution_id, started_at, agent, session_id, task_type,
                                          errors, skills, has_calls, received_at)
SELECT %(project)s, sent.key, sent.moment, sent.agent, sent.session, sent.type, '[]', '[]', sent.is_called, now()
FROM json_to_recordset(%(rows)s::json)
     AS sent (key text, moment timestamptz, agent text, session text, type text, is_called bool, is_written bool)
LEFT JOIN telemetry_execution AS there ON there.project_id = %(project)s AND there.execution_id = sent.key
WHERE there.has_calls IS NOT TRUE OR sent.is_written
ORDER BY sent.key
ON CONFLICT (project_id, execution_id) DO UPDATE SET has_calls = true
WHERE excluded.has_calls AND NOT known.has_calls
RETURNING known.execution_id, known.source <> '' AS is_written, known.started_at
