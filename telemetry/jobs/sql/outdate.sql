-- What was made of these days is outdated: it waits to be made again, or its runner is told.
UPDATE telemetry_job
SET state = CASE state WHEN 'done' THEN 'waiting' ELSE state END,
    attempts = CASE state WHEN 'done' THEN 0 ELSE attempts END,
    not_before_at = CASE state WHEN 'done' THEN now() + make_interval(secs => %(later_s)s) ELSE not_before_at END,
    outdated_at = CASE state WHEN 'running' THEN now() END
WHERE id IN (
    SELECT id FROM telemetry_job
    WHERE project_id = %(project)s AND kind = ANY(%(kinds)s) AND state IN ('done', 'running')
      AND first_day <= %(last_day)s AND last_day >= %(first_day)s AND last_day >= %(since)s
    ORDER BY id FOR NO KEY UPDATE)
