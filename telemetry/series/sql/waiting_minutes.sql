-- Minutes whose calls changed and are not folded yet, counted in the newest days that wait: many more are as
-- many as anybody needs to know.
SELECT count(DISTINCT minute)
FROM (SELECT minutes FROM telemetry_dirty WHERE project_id = %(project)s ORDER BY day DESC, id LIMIT 500) AS waiting,
     unnest(waiting.minutes) AS minute
