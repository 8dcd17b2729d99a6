-- Of these calls and their aliases, the calls with an alias that does not name them yet, and where they live.
SELECT DISTINCT own.id, coalesce(own.call_id, own.id) AS call_id, own.started_at
FROM unnest(%(ids)s::uuid[], %(aliases)s::uuid[]) AS sent (id, alias)
JOIN telemetry_identity AS own ON own.project_id = %(project)s AND own.id = sent.id
LEFT JOIN telemetry_identity AS other ON other.project_id = %(project)s AND other.id = sent.alias
WHERE coalesce(other.call_id, other.id) IS DISTINCT FROM coalesce(own.call_id, own.id)
