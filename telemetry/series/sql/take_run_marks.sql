-- Take a project's marks of the newest hour that has some, each minute and each execution once; there may be more. What
-- reads calls next must be a statement of its own: it then sees what every mark that was taken stands for.
WITH taken AS (
    DELETE FROM telemetry_run_mark
    USING (SELECT hour FROM telemetry_run_mark
           WHERE project_id = %(project)s AND hour >= %(first)s AND hour <= %(last)s AND id <= %(until)s
           ORDER BY hour DESC LIMIT 1) AS newest
    WHERE project_id = %(project)s AND telemetry_run_mark.hour = newest.hour AND id = ANY (ARRAY (
        SELECT id FROM telemetry_run_mark AS mark
        WHERE project_id = %(project)s AND mark.hour = newest.hour AND id <= %(until)s ORDER BY id LIMIT %(most)s))
    RETURNING minutes, execution_ids
)
SELECT ARRAY(SELECT DISTINCT unnest(minutes) FROM taken), ARRAY(SELECT DISTINCT unnest(execution_ids) FROM taken)
