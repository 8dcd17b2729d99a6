-- The projects in which runs wait to be added up, and whether these are long ones.
SELECT DISTINCT project_id, hour = %(hour)s FROM telemetry_run_mark
