-- What kept answers came to since that was last told, added to the sums of their days.
INSERT INTO routing_recallday AS kept (
    project_id, day, tier_id, asked, found, unpriced, input_tokens, output_tokens, saved_nanousd
)
SELECT %(project_id)s, day, tier_id, asked, found, unpriced, input_tokens, output_tokens, saved_nanousd
FROM jsonb_to_recordset(%(rows)s::jsonb) AS row (
    day date, tier_id bigint, asked bigint, found bigint, unpriced bigint, input_tokens bigint, output_tokens bigint,
    saved_nanousd bigint
)
ORDER BY day, tier_id
ON CONFLICT (project_id, day, tier_id) DO UPDATE SET
    asked = kept.asked + excluded.asked, found = kept.found + excluded.found, unpriced = kept.unpriced + excluded.unpriced,
    input_tokens = kept.input_tokens + excluded.input_tokens, output_tokens = kept.output_tokens + excluded.output_tokens,
    saved_nanousd = kept.saved_nanousd + excluded.saved_nanousd;
