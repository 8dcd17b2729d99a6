-- When runs of all projects were last added up, and what that took.
SELECT project_id, is_long, summed_at, sum_ms FROM telemetry_run_state
