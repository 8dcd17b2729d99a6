-- Take a project's marks of the newest day that has some; there may be more. What reads calls next must be a statement of
-- its own: it then sees what every mark that was taken stands for.
DELETE FROM telemetry_dirty
USING (SELECT day FROM telemetry_dirty
       WHERE project_id = %(project)s AND id <= %(until)s ORDER BY day DESC LIMIT 1) AS newest
WHERE project_id = %(project)s AND telemetry_dirty.day = newest.day AND id = ANY (ARRAY (
    SELECT id FROM telemetry_dirty AS mark
    WHERE project_id = %(project)s AND mark.day = newest.day AND id <= %(until)s ORDER BY id LIMIT %(most)s))
RETURNING minutes
