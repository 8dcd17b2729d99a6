-- How runs that had each skill ended, beside runs of the same types of task that ended in the range and had it not.
-- Each run that had it is set beside the peers of its own type, so that a skill for hard tasks is not told to do harm.
WITH ended AS (
    SELECT execution_id, task_type, lower(status) = ANY (%(done)s) AS is_well
    FROM telemetry_execution
    WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s
      AND lower(status) = ANY (%(over)s)
), had AS (
    SELECT DISTINCT skill, execution_id
    FROM telemetry_skill_invocation
    WHERE project_id = %(project)s AND loaded_at >= %(start)s AND loaded_at < %(end)s AND execution_id <> '' {filters}
), typed AS (
    SELECT had.skill, ended.task_type, count(*) AS runs, count(*) FILTER (WHERE ended.is_well) AS well
    FROM had JOIN ended USING (execution_id)
    GROUP BY had.skill, ended.task_type
), every AS (
    SELECT task_type, count(*) AS runs, count(*) FILTER (WHERE is_well) AS well FROM ended GROUP BY task_type
)
SELECT typed.skill, sum(typed.runs)::int8 AS runs, sum(typed.well)::int8 AS well,
       sum(every.runs - typed.runs)::int8 AS peers,
       coalesce(sum(typed.runs) FILTER (WHERE every.runs > typed.runs), 0)::int8 AS compared,
       coalesce(sum(typed.well) FILTER (WHERE every.runs > typed.runs), 0)::int8 AS compared_well,
       coalesce(sum(typed.runs * (every.well - typed.well)::float8 / (every.runs - typed.runs))
           FILTER (WHERE every.runs > typed.runs), 0)::float8 AS peers_well
FROM typed JOIN every USING (task_type)
GROUP BY typed.skill
ORDER BY typed.skill
