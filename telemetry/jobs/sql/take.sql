-- The job that is next: of each project its oldest open one, unless another of it runs or it has to wait; of those the
-- one whose project was served longest ago. Of two that end on one day the shorter comes first (first_day is compared
-- the other way round). A job of a kind that this worker does not know keeps nobody waiting, nor one that was done and is
-- to be done again later.
UPDATE telemetry_job
SET state = 'running', attempts = attempts + 1, started_at = now(), outdated_at = NULL,
    lease = %(lease)s, lease_until_at = now() + make_interval(secs => %(lease_s)s)
WHERE id = (
    SELECT job.id
    FROM telemetry_job AS job
    WHERE job.state = 'waiting' AND job.not_before_at <= now() AND job.kind = ANY(%(kinds)s)
      AND NOT EXISTS (
          SELECT FROM telemetry_job AS other
          WHERE other.project_id = job.project_id AND other.state IN ('waiting', 'running')
            AND (other.state = 'running'
                 OR other.kind = ANY(%(kinds)s) AND (other.attempts > 0 OR other.not_before_at <= now())
                AND (other.last_day, job.first_day, other.kind, other.id)
                  < (job.last_day, other.first_day, job.kind, job.id)))
    ORDER BY (SELECT max(served.started_at) FROM telemetry_job AS served WHERE served.project_id = job.project_id)
             NULLS FIRST, job.last_day, job.project_id
    LIMIT 1
    FOR UPDATE OF job SKIP LOCKED)
RETURNING id, kind, project_id, period, first_day, last_day, attempts, lease
