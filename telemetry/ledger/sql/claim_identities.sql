-- Claim identities, in order of id. A row comes back where it is new or where its copy brings something: a larger
-- usage, a better cost, a field that was empty. DO NOTHING would not wait for a concurrent claim, and would deadlock.
INSERT INTO telemetry_identity AS known (project_id, id, started_at, usage_rank, cost_rank, fields)
SELECT %(project)s, sent.*
FROM unnest(%(ids)s::uuid[], %(moments)s::timestamptz[], %(usage)s::int8[], %(cost)s::int8[], %(fields)s::int8[])
     AS sent (id, started_at, usage_rank, cost_rank, fields)
ORDER BY sent.id
ON CONFLICT (project_id, id) DO UPDATE
SET revision = known.revision + 1,
    usage_rank = greatest(known.usage_rank, excluded.usage_rank),
    cost_rank = greatest(known.cost_rank, excluded.cost_rank),
    fields = known.fields | excluded.fields
WHERE excluded.usage_rank > known.usage_rank
   OR excluded.cost_rank > known.cost_rank
   OR excluded.fields & ~known.fields <> 0
RETURNING known.id, coalesce(known.call_id, known.id) AS call_id, known.started_at, known.revision = 1 AS is_fresh
