-- Jobs that died of late, and those that could have been done before a moment and are not, with the first of them.
SELECT count(*) FILTER (WHERE job.state = 'dead') AS dead,
       count(*) FILTER (WHERE job.state <> 'dead') AS late,
       (array_agg(job.kind || ' of ' || project.slug || ' for ' || job.period ORDER BY job.last_day, job.id)
        FILTER (WHERE job.state <> 'dead'))[1] AS oldest
FROM telemetry_job AS job JOIN telemetry_project AS project ON project.id = job.project_id
WHERE (job.state = 'dead' AND job.finished_at >= %(dead_since)s)
   OR (job.state IN ('waiting', 'running') AND job.not_before_at < %(late_since)s)
