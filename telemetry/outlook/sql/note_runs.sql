-- Note when runs will be over, if nothing more comes of them: at once where they say how they ended, and later where they
-- say nothing, or that they go on. One that was learned from stays as it is.
INSERT INTO telemetry_run_learned AS known (project_id, execution_id, due_at)
SELECT project_id, execution_id,
       coalesce(ended_at, started_at)
       + CASE WHEN status = '' THEN %(quiet)s WHEN lower(status) = ANY(%(running)s) THEN %(silence)s ELSE %(settled)s END
FROM telemetry_rollup_run
WHERE project_id = %(project)s AND execution_id = ANY(%(keys)s)
ORDER BY execution_id
ON CONFLICT (project_id, execution_id) DO UPDATE SET due_at = excluded.due_at
WHERE known.due_at IS NOT NULL AND known.due_at <> excluded.due_at
