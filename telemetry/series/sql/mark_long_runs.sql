-- Note long runs by their names, apart from the marks of all hours.
INSERT INTO telemetry_run_mark (project_id, hour, execution_ids) VALUES (%(project)s, %(hour)s, %(keys)s)
