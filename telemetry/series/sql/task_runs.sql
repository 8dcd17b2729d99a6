-- The newest runs of a range that are tasks, with what each was called or described as, and the skills that it had. A
-- task whose name has no words is called by its type too. How a run ended because its provider failed says nothing.
WITH run AS MATERIALIZED (
    SELECT execution_id, started_at, task_id, task_type, agent, lower(status) AS status, is_provider_fault,
           input_uncached + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown + output AS tokens,
           cost_nanousd
    FROM telemetry_rollup_run
    WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s AND NOT is_cut
    ORDER BY started_at DESC, execution_id
    LIMIT %(most)s
), had AS (
    SELECT execution_id, array_agg(DISTINCT skill) AS skills
    FROM telemetry_skill_invocation
    WHERE project_id = %(project)s AND loaded_at >= %(start)s AND loaded_at < %(end)s AND execution_id <> ''
    GROUP BY execution_id
)
SELECT run.started_at AS at,
       left(CASE WHEN btrim(sent.attributes ->> 'description') <> '' THEN sent.attributes ->> 'description'
                 WHEN run.task_id ~ '[[:alpha:]]{3}' THEN run.task_id
                 ELSE btrim(concat_ws(' ', run.task_id, run.task_type)) END, 500) AS text,
       run.agent,
       CASE WHEN run.is_provider_fault THEN NULL
            WHEN run.status = ANY (%(done)s) THEN true
            WHEN run.status = ANY (%(failed)s) THEN false END AS is_well,
       run.tokens, run.cost_nanousd, coalesce(had.skills, '{}') AS loaded,
       CASE WHEN jsonb_typeof(sent.skills) = 'array'
            THEN ARRAY(SELECT jsonb_array_elements_text(sent.skills)) ELSE '{}' END AS said
FROM run
LEFT JOIN telemetry_execution AS sent ON sent.project_id = %(project)s AND sent.execution_id = run.execution_id
LEFT JOIN had ON had.execution_id = run.execution_id
ORDER BY run.started_at, run.execution_id
