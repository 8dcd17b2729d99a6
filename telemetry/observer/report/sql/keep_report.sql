-- Keep a report in place of the one that was made of the same period before, never of a later one.
INSERT INTO telemetry_report (project_id, kind, first_day, last_day, document, made_at)
VALUES (%(project)s, %(kind)s, %(first_day)s, %(last_day)s, %(document)s, %(now)s)
ON CONFLICT (project_id, kind, first_day) DO UPDATE
SET last_day = excluded.last_day, document = excluded.document, made_at = excluded.made_at
WHERE telemetry_report.made_at <= excluded.made_at
