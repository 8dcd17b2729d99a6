-- Executions that began in a window and differ, the largest difference first; those after the first `limit` as one row.
-- `asked` is a path to the labels of a call that filters let through.
SELECT CASE WHEN count(*) = 1 THEN min(execution_id) ELSE '' END AS execution_id,
       CASE WHEN count(*) = 1 THEN min(task_id) ELSE '' END AS task_id,
       CASE WHEN count(*) = 1 THEN min(agent) ELSE '' END AS agent, count(*) AS executions, sum(calls) AS calls,
       sum(sent_input) AS sent_input, sum(counted_input) AS counted_input, sum(sent_output) AS sent_output,
       sum(counted_output) AS counted_output, sum(difference) AS difference
FROM (SELECT *, row_number() OVER (ORDER BY abs(difference) DESC, execution_id) AS place
      FROM (SELECT *, coalesce(sent_input - counted_input, 0) + coalesce(sent_output - counted_output, 0) AS difference
            FROM telemetry_rollup_difference
            WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
              AND (%(asked)s::jsonpath IS NULL
                   OR jsonb_path_exists(labels, %(asked)s::jsonpath, %(values)s::jsonb))) AS found) AS ranked
GROUP BY least(place, %(limit)s::int8 + 1)
ORDER BY least(place, %(limit)s::int8 + 1)
