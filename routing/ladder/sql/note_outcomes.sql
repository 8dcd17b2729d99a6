-- Attempts that are over, each once however often it is told; what is new is added to the sums of its day.
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS row (
        id text, at timestamptz, task_type text, tier_id bigint, execution text, reason text, fault text,
        prompt_chars integer, p_good double precision, is_refused boolean, is_final boolean, findings text[], signals double precision[]
    )
),
new AS (
    INSERT INTO routing_outcome (
        project_id, id, at, task_type, tier_id, execution, reason, fault, prompt_chars, p_good, is_refused, is_final,
        findings, signals, known_by
    )
    SELECT
        %(project_id)s, id, at, task_type, tier_id, execution, reason, fault, prompt_chars, p_good, is_refused,
        is_final, findings, signals, ''
    FROM given
    ORDER BY id
    ON CONFLICT (project_id, id) DO NOTHING
    RETURNING
        (at AT TIME ZONE 'UTC')::date AS day, task_type, tier_id, reason, fault, ln(1 + prompt_chars) AS log_chars, p_good,
        is_refused, is_final
),
sums AS (
    INSERT INTO routing_outcomeday AS kept (
        project_id, day, task_type, tier_id, n, good, refused, failed, compared, bettered, log_chars,
        log_chars_squared
    )
    SELECT
        %(project_id)s, day, task_type, tier_id, count(*) FILTER (WHERE fault = ''),
        coalesce(sum(p_good) FILTER (WHERE fault = ''), 0), count(*) FILTER (WHERE is_refused),
        count(*) FILTER (WHERE fault NOT IN ('', 'cancelled')), 0, 0,
        coalesce(sum(log_chars) FILTER (WHERE fault = ''), 0),
        coalesce(sum(log_chars ^ 2) FILTER (WHERE fault = ''), 0)
    FROM new
    GROUP BY day, task_type, tier_id
    ORDER BY day, task_type, tier_id
    ON CONFLICT (project_id, day, task_type, tier_id) DO UPDATE SET
        n = kept.n + excluded.n, good = kept.good + excluded.good, refused = kept.refused + excluded.refused,
        failed = kept.failed + excluded.failed, log_chars = kept.log_chars + excluded.log_chars,
        log_chars_squared = kept.log_chars_squared + excluded.log_chars_squared
),
reasons AS (
    INSERT INTO routing_reasonday AS kept (project_id, day, tier_id, reason, n, answered, final, good)
    SELECT
        %(project_id)s, day, tier_id, reason, count(*), count(*) FILTER (WHERE fault = ''),
        count(*) FILTER (WHERE is_final), coalesce(sum(p_good) FILTER (WHERE fault = ''), 0)
    FROM new
    GROUP BY day, tier_id, reason
    ORDER BY day, tier_id, reason
    ON CONFLICT (project_id, day, tier_id, reason) DO UPDATE SET
        n = kept.n + excluded.n, answered = kept.answered + excluded.answered, final = kept.final + excluded.final,
        good = kept.good + excluded.good
)
SELECT tier_id, count(*) FROM new WHERE is_final GROUP BY tier_id ORDER BY tier_id;
