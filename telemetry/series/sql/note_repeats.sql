-- After how many whole seconds these runs, and the next one of the same task after each, repeat the one before. What was cut
-- by us is no task. Rows are written in order of their key, and only where that is something else than they say.
WITH touched AS (
    SELECT run.execution_id, run.started_at, run.task_key, run.is_cut, run.repeats_after_s
    FROM telemetry_rollup_run AS run
    WHERE run.project_id = %(project)s AND run.execution_id = ANY(%(keys)s)
), concerned AS (
    SELECT * FROM touched
    UNION
    SELECT later.*
    FROM touched
    CROSS JOIN LATERAL (
        SELECT execution_id, started_at, task_key, is_cut, repeats_after_s
        FROM telemetry_rollup_run AS other
        WHERE NOT touched.is_cut AND touched.task_key <> '' AND other.project_id = %(project)s
          AND other.task_key = touched.task_key AND other.task_key <> '' AND other.started_at >= touched.started_at
          AND (other.started_at, other.execution_id) > (touched.started_at, touched.execution_id) AND NOT other.is_cut
        ORDER BY other.started_at, other.execution_id
        LIMIT 1
    ) AS later
), noted AS (
    SELECT run.execution_id, run.repeats_after_s AS known,
           CASE WHEN earlier.started_at IS NOT NULL
                THEN least(floor(extract(epoch FROM run.started_at - earlier.started_at)), 2147483647)::int4 END AS seconds
    FROM concerned AS run
    LEFT JOIN LATERAL (
        SELECT started_at
        FROM telemetry_rollup_run AS other
        WHERE NOT run.is_cut AND run.task_key <> '' AND other.project_id = %(project)s
          AND other.task_key = run.task_key AND other.task_key <> '' AND other.started_at <= run.started_at
          AND (other.started_at, other.execution_id) < (run.started_at, run.execution_id) AND NOT other.is_cut
        ORDER BY other.started_at DESC, other.execution_id DESC
        LIMIT 1
    ) AS earlier ON true
)
UPDATE telemetry_rollup_run AS run
SET repeats_after_s = noted.seconds
FROM (SELECT * FROM noted WHERE known IS DISTINCT FROM seconds ORDER BY execution_id) AS noted
WHERE run.project_id = %(project)s AND run.execution_id = noted.execution_id
