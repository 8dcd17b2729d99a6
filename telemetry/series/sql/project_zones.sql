-- The reporting zones of all projects.
SELECT id, time_zone FROM telemetry_project
