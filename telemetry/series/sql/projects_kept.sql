-- Every project, how many days of its own it keeps, and before which moment its calls may be gone.
SELECT id, slug, retention_days, calls_kept_from_at FROM telemetry_project ORDER BY id
