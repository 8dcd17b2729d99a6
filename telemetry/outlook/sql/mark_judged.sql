-- Note that a day was judged, and how it was cut.
INSERT INTO telemetry_trend_day (project_id, day, zone, judged_at)
VALUES (%(project)s, %(day)s, %(zone)s, %(now)s)
ON CONFLICT (project_id, day) DO UPDATE SET zone = excluded.zone, judged_at = excluded.judged_at
