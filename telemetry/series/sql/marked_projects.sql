-- The projects in which something waits to be folded.
SELECT DISTINCT project_id FROM telemetry_dirty
