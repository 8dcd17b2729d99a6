-- Claim identities that are all new, in order of id; one that is known ends the transaction.
INSERT INTO telemetry_identity (project_id, id, started_at, usage_rank, cost_rank, fields)
SELECT %(project)s, unnest(%(ids)s::uuid[]), unnest(%(moments)s::timestamptz[]), unnest(%(usage)s::int8[]),
       unnest(%(cost)s::int8[]), unnest(%(fields)s::int8[])
