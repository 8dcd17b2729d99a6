-- How the forecasts of a range did, by local day and level. The pinball loss of a bound that nine of ten are to stay
-- within: what exceeds it weighs nine times what falls short of it.
SELECT day, level,
       count(*) AS forecasts,
       count(*) FILTER (WHERE is_asked) AS asked,
       count(*) FILTER (WHERE tokens_q90 IS NOT NULL) AS estimated,
       count(*) FILTER (WHERE is_scored) AS scored,
       count(*) FILTER (WHERE is_scored AND tokens <= tokens_q50) AS within_q50,
       count(*) FILTER (WHERE is_scored AND tokens <= tokens_q90) AS within_q90,
       count(*) FILTER (WHERE is_scored AND naive IS NOT NULL) AS with_naive,
       count(*) FILTER (WHERE is_scored AND tokens <= naive) AS within_naive,
       coalesce(sum(greatest(0.9 * (tokens::float8 - tokens_q90), 0.1 * (tokens_q90::float8 - tokens)))
           FILTER (WHERE is_scored AND naive IS NOT NULL), 0) AS loss,
       coalesce(sum(greatest(0.9 * (tokens - naive), 0.1 * (naive - tokens)))
           FILTER (WHERE is_scored AND naive IS NOT NULL), 0) AS loss_naive,
       count(*) FILTER (WHERE is_judged) AS judged,
       count(*) FILTER (WHERE is_judged AND exceeded) AS exceeded,
       count(*) FILTER (WHERE is_judged AND warns) AS warned,
       count(*) FILTER (WHERE is_judged AND warns AND exceeded) AS warned_right,
       count(*) FILTER (WHERE is_judged AND mean_exceeds) AS naive_warned,
       count(*) FILTER (WHERE is_judged AND mean_exceeds AND exceeded) AS naive_right,
       count(*) FILTER (WHERE is_judged AND bound_exceeds) AS bound_warned,
       count(*) FILTER (WHERE is_judged AND bound_exceeds AND exceeded) AS bound_right,
       count(*) FILTER (WHERE is_judged AND overrun_at IS NOT NULL) AS going_warned,
       count(*) FILTER (WHERE is_judged AND overrun_at IS NOT NULL AND exceeded) AS going_right,
       coalesce(sum(least(overrun_used::float8 / greatest(budget_used, 1), 1))
           FILTER (WHERE is_judged AND overrun_at IS NOT NULL AND exceeded), 0) AS going_share
FROM (
    SELECT (asked_at AT TIME ZONE %(zone)s)::date AS day, level, is_asked, tokens, tokens_q50, tokens_q90,
           1.5 * tokens_naive::float8 AS naive, warns, exceeded, overrun_at, overrun_used, budget_used,
           ended_at IS NOT NULL AND tokens IS NOT NULL AND tokens_q90 IS NOT NULL AS is_scored,
           ended_at IS NOT NULL AND budget_limit IS NOT NULL AND exceeded IS NOT NULL AS is_judged,
           coalesce(budget_spent, 0)::float8 + budget_naive > budget_limit AS mean_exceeds,
           coalesce(budget_spent, 0) + 1.5 * budget_naive::float8 > budget_limit AS bound_exceeds
    FROM telemetry_forecast
    WHERE project_id = %(project)s AND asked_at >= %(start)s AND asked_at < %(end)s {filters}
) AS forecast
GROUP BY day, level
ORDER BY day, level
