-- Add the jobs that are not there. Looking first keeps a wake-up that finds nothing from writing anything.
INSERT INTO telemetry_job (kind, project_id, period, first_day, last_day, state, attempts, error, not_before_at, created_at)
SELECT wanted.kind, wanted.project_id, wanted.period, wanted.first_day, wanted.last_day, 'waiting', 0, '', now(), now()
FROM unnest(%(projects)s::int8[], %(kinds)s::text[], %(periods)s::text[], %(first_days)s::date[], %(last_days)s::date[])
     AS wanted (project_id, kind, period, first_day, last_day)
WHERE NOT EXISTS (
    SELECT FROM telemetry_job AS job
    WHERE job.kind = wanted.kind AND job.project_id = wanted.project_id AND job.period = wanted.period)
ORDER BY wanted.project_id, wanted.kind, wanted.period
ON CONFLICT (kind, project_id, period) DO NOTHING
