-- Claim likenesses, in order of id; each comes back with the call that bears it. `fields` holds the routes by which it
-- came; `cost_rank` keeps what they were before this claim, for RETURNING shows only what a row has become.
INSERT INTO telemetry_identity AS known (project_id, id, started_at, usage_rank, cost_rank, fields, call_id)
SELECT %(project)s, sent.id, sent.moment, 0, 0, %(route)s, sent.call_id
FROM unnest(%(ids)s::uuid[], %(moments)s::timestamptz[], %(calls)s::uuid[]) AS sent (id, moment, call_id)
ORDER BY sent.id
ON CONFLICT (project_id, id) DO UPDATE
SET revision = known.revision + 1, cost_rank = known.fields, fields = known.fields | excluded.fields
RETURNING known.id, known.call_id, known.started_at, known.cost_rank AS routes_before
