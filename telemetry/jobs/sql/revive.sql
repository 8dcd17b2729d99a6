-- Dead jobs wait again, with no attempt made. Why they died stays until one of them goes well.
UPDATE telemetry_job SET state = 'waiting', attempts = 0, not_before_at = now(), finished_at = NULL
WHERE id IN (SELECT id FROM telemetry_job WHERE id = ANY(%(ids)s) AND state = 'dead' ORDER BY id FOR UPDATE)
