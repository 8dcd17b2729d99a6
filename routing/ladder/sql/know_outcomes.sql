-- What became known of answers. The first to know is believed, but for an audit, which chose its answers by lot.
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS row (
        id text, is_good boolean, would_help boolean, known_by text
    )
),
before AS (
    SELECT
        o.id, o.at, o.task_type, o.tier_id, coalesce(o.is_good::integer, o.p_good) AS counted,
        o.would_help IS NULL AS is_new
    FROM routing_outcome AS o
    JOIN given USING (id)
    WHERE o.project_id = %(project_id)s AND (o.is_good IS NULL OR given.known_by = 'audit')
    ORDER BY o.id
    FOR UPDATE OF o
),
known AS (
    UPDATE routing_outcome AS o
    SET is_good = given.is_good, would_help = coalesce(given.would_help, o.would_help), known_by = given.known_by
    FROM given
    JOIN before USING (id)
    WHERE o.project_id = %(project_id)s AND o.id = given.id
    RETURNING
        before.at, before.task_type, before.tier_id, given.is_good::integer - before.counted AS more,
        (before.is_new AND given.would_help IS NOT NULL)::integer AS compared,
        (before.is_new AND given.would_help IS TRUE)::integer AS bettered
),
days AS (
    SELECT
        (at AT TIME ZONE 'UTC')::date AS day, task_type, tier_id, sum(more) AS more,
        sum(compared) AS compared, sum(bettered) AS bettered
    FROM known
    GROUP BY day, task_type, tier_id
),
added AS (
    UPDATE routing_outcomeday AS kept
    SET
        good = kept.good + days.more, compared = kept.compared + days.compared,
        bettered = kept.bettered + days.bettered
    FROM days
    WHERE
        kept.project_id = %(project_id)s AND kept.day = days.day AND kept.task_type = days.task_type
        AND kept.tier_id = days.tier_id
)
SELECT count(*) FROM known;
