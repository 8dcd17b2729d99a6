-- Claim other names of calls, in order of id; each comes back with the call that it then names.
INSERT INTO telemetry_identity AS known (project_id, id, started_at, usage_rank, cost_rank, fields, call_id)
SELECT %(project)s, sent.id, sent.moment, 0, 0, 0, sent.call_id
FROM unnest(%(ids)s::uuid[], %(moments)s::timestamptz[], %(calls)s::uuid[]) AS sent (id, moment, call_id)
ORDER BY sent.id
ON CONFLICT (project_id, id) DO UPDATE SET revision = known.revision + 1
RETURNING known.id, coalesce(known.call_id, known.id) AS call_id, known.started_at
