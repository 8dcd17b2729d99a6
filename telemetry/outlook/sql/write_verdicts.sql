-- Keep what is said of one series and day.
INSERT INTO telemetry_trend (project_id, {columns}) VALUES (%(project)s, {values})
