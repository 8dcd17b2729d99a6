-- Note when a project's runs were added up, and what that took.
INSERT INTO telemetry_run_state (project_id, is_long, summed_at, sum_ms)
VALUES (%(project)s, %(is_long)s, %(summed_at)s, %(sum_ms)s)
ON CONFLICT (project_id, is_long) DO UPDATE SET summed_at = excluded.summed_at, sum_ms = excluded.sum_ms
