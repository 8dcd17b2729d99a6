-- Add to what making prompts shorter came to on days, in one order, so that no two processes wait for each other.
INSERT INTO routing_compressionday AS old (
    project_id, day, tier_id, is_shadow, asked, shortened, came_tokens, saved_tokens, came_nanousd, saved_nanousd, fetched
)
SELECT
    %(project_id)s, day, tier_id, is_shadow, asked, shortened, came_tokens, saved_tokens, came_nanousd, saved_nanousd,
    fetched
FROM jsonb_to_recordset(%(rows)s::jsonb) AS new(
    day date, tier_id bigint, is_shadow boolean, asked bigint, shortened bigint, came_tokens bigint,
    saved_tokens bigint, came_nanousd bigint, saved_nanousd bigint, fetched bigint
)
ORDER BY day, tier_id, is_shadow
ON CONFLICT (project_id, day, tier_id, is_shadow) DO UPDATE
SET asked = old.asked + excluded.asked, shortened = old.shortened + excluded.shortened,
    came_tokens = old.came_tokens + excluded.came_tokens, saved_tokens = old.saved_tokens + excluded.saved_tokens,
    came_nanousd = old.came_nanousd + excluded.came_nanousd,
    saved_nanousd = old.saved_nanousd + excluded.saved_nanousd, fetched = old.fetched + excluded.fetched;
