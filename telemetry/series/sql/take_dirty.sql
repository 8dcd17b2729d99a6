-- Take a project's oldest marks, up to so many rows and different minutes, and at least one. What reads calls next must be
-- a statement of its own: it then sees what every mark that was taken stands for.
WITH oldest AS MATERIALIZED (
    SELECT id, minutes FROM telemetry_dirty WHERE project_id = %(project)s AND id <= %(until)s ORDER BY id LIMIT %(most_rows)s
), marked AS (
    SELECT id, row_number() OVER (PARTITION BY minute ORDER BY id) = 1 AS is_first
    FROM oldest CROSS JOIN unnest(minutes) AS minute
), counted AS (
    SELECT id, sum(count(*) FILTER (WHERE is_first)) OVER (ORDER BY id) AS minutes FROM marked GROUP BY id
)
DELETE FROM telemetry_dirty
WHERE project_id = %(project)s AND id = ANY (ARRAY (
    SELECT id FROM counted WHERE minutes <= %(most_minutes)s OR id = (SELECT min(id) FROM counted)))
RETURNING minutes
