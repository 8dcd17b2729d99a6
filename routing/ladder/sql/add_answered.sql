-- So many more answers of tiers.
INSERT INTO routing_tierprice AS kept (tier_id, answered)
SELECT tier_id, answered FROM unnest(%(tiers)s::bigint[], %(answered)s::bigint[]) AS given (tier_id, answered)
ORDER BY tier_id
ON CONFLICT (tier_id) DO UPDATE SET answered = kept.answered + excluded.answered;
