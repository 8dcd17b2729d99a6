-- Answers that are over, each once however often it is told, and the sums of those days that are new with them.
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS row (
        id text, at timestamptz, task_type text, tier_id bigint, execution text, prompt_chars integer,
        p_good double precision, is_refused boolean, is_final boolean, findings text[], signals double precision[]
    )
),
new AS (
    INSERT INTO routing_outcome (
        project_id, id, at, task_type, tier_id, execution, prompt_chars, p_good, is_refused, is_final, findings, signals,
        known_by
    )
    SELECT
        %(project_id)s, id, at, task_type, tier_id, execution, prompt_chars, p_good, is_refused, is_final, findings,
        signals, ''
    FROM given
    ORDER BY id
    ON CONFLICT (project_id, id) DO NOTHING
    RETURNING at, task_type, tier_id, prompt_chars, p_good, is_refused, is_final
),
sums AS (
    INSERT INTO routing_outcomeday AS kept (
        project_id, day, task_type, tier_id, n, good, refused, log_chars, log_chars_squared
    )
    SELECT
        %(project_id)s, (at AT TIME ZONE 'UTC')::date AS day, task_type, tier_id, count(*), sum(p_good),
        count(*) FILTER (WHERE is_refused), sum(ln(1 + prompt_chars)), sum(ln(1 + prompt_chars) ^ 2)
    FROM new
    GROUP BY day, task_type, tier_id
    ORDER BY day, task_type, tier_id
    ON CONFLICT (project_id, day, task_type, tier_id) DO UPDATE SET
        n = kept.n + excluded.n, good = kept.good + excluded.good, refused = kept.refused + excluded.refused,
        log_chars = kept.log_chars + excluded.log_chars,
        log_chars_squared = kept.log_chars_squared + excluded.log_chars_squared
)
SELECT tier_id, count(*) FROM new WHERE is_final GROUP BY tier_id ORDER BY tier_id;
