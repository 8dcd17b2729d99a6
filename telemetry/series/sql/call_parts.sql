-- Sums of the calls of a session or a run by sub-agent, by skill and by model, in the order of their first calls.
{own_calls}, added AS (
    SELECT CASE WHEN grouping(subagent_id) = 0 THEN 'subagent' WHEN grouping(skill) = 0 THEN 'skill' ELSE 'model'
           END AS what,
           coalesce(subagent_id, skill, model) AS key,
           CASE WHEN grouping(model) = 0 THEN model ELSE mode() WITHIN GROUP (ORDER BY own.model) END AS usual_model,
           min(started_at) AS first_at, max(started_at) AS last_at, max(context) AS largest, count(*) AS calls,
           sum(input_uncached) AS input_uncached, sum(cache_read) AS cache_read,
           sum(cache_write_5m) AS cache_write_5m, sum(cache_write_1h) AS cache_write_1h,
           sum(cache_write_unknown) AS cache_write_unknown, sum(output) AS output, coalesce(sum(reasoning), 0) AS reasoning,
           coalesce(sum(cost_nanousd), 0) AS cost_nanousd, count(*) - count(cost_nanousd) AS unpriced_calls
    FROM own
    GROUP BY GROUPING SETS ((subagent_id), (skill), (model))
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY what ORDER BY first_at, key) AS rank FROM added
)
SELECT what, key, usual_model, first_at, last_at, largest, calls, input_uncached, cache_read, cache_write_5m,
       cache_write_1h, cache_write_unknown, output, reasoning, cost_nanousd, unpriced_calls
FROM ranked
WHERE rank <= %(most)s AND (what <> 'skill' OR key <> '')
ORDER BY what, rank
