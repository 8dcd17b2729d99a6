-- Calls as points of two curves: so many that follow each other as are needed are one, the largest of them in its place.
{own_calls}, placed AS (
    SELECT number, started_at, subagent_id <> '' AS is_subagent, context,
           sum(cost_nanousd) OVER (ORDER BY number) AS spent,
           (number - 1) / greatest(1, ceil(count(*) OVER () / %(most)s::numeric))::int8 AS place
    FROM own
)
SELECT (array_agg(number ORDER BY context DESC, number))[1] AS number,
       (array_agg(started_at ORDER BY context DESC, number))[1] AS at, is_subagent, count(*) AS calls,
       max(context) AS context, coalesce(max(spent), 0) AS spent_nanousd
FROM placed
GROUP BY place, is_subagent
ORDER BY 1
