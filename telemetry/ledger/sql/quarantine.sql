-- Keep records whose time cannot be believed; the same record is kept once.
INSERT INTO telemetry_quarantined (project_id, digest, reason, source, record, received_at)
SELECT %(project)s, sent.digest, sent.reason, %(source)s, sent.record, %(now)s
FROM unnest(%(digests)s::bytea[], %(reasons)s::text[], %(records)s::jsonb[]) AS sent (digest, reason, record)
ORDER BY sent.digest
ON CONFLICT (project_id, digest) DO NOTHING
