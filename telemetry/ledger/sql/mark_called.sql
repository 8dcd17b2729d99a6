-- Executions that have a call of their own, and when the first and the last of those that name it began: a stub where
-- the execution itself has not arrived yet. The row of an execution that is marked for the first time comes back, or
-- whose calls lie outside of what was known by more than `slack`, with whether totals may have been sent with it. Those
-- that need nothing are left out before a lock is taken; the others, and those that the same batch writes next, are
-- locked in order of their key.
INSERT INTO telemetry_execution AS known (project_id, execution_id, started_at, agent, session_id, task_type,
                                          errors, skills, has_calls, received_at, called_from_at, called_to_at)
SELECT %(project)s, sent.key, sent.moment, sent.agent, sent.session, sent.type, '[]', '[]', sent.is_called, now(),
       sent.called_from, sent.called_to
FROM json_to_recordset(%(rows)s::json)
     AS sent (key text, moment timestamptz, agent text, session text, type text, is_called bool, is_written bool,
              called_from timestamptz, called_to timestamptz)
LEFT JOIN telemetry_execution AS there ON there.project_id = %(project)s AND there.execution_id = sent.key
WHERE there.has_calls IS NOT TRUE OR sent.is_written
   OR (there.called_from_at IS NULL AND sent.called_from IS NOT NULL)
   OR sent.called_from < there.called_from_at - %(slack)s::interval
   OR sent.called_to > there.called_to_at + %(slack)s::interval
ORDER BY sent.key
ON CONFLICT (project_id, execution_id) DO UPDATE
SET has_calls = true,
    called_from_at = least(known.called_from_at, excluded.called_from_at),
    called_to_at = greatest(known.called_to_at, excluded.called_to_at)
WHERE excluded.has_calls AND (
      NOT known.has_calls
      OR (known.called_from_at IS NULL AND excluded.called_from_at IS NOT NULL)
      OR excluded.called_from_at < known.called_from_at OR excluded.called_to_at > known.called_to_at)
RETURNING known.execution_id, known.source <> '' AS is_written, known.started_at
