-- How many days a project keeps by its own setting, and before which moment its calls may be gone already.
SELECT retention_days, calls_kept_from_at FROM telemetry_project WHERE id = %(project)s
