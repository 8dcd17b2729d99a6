-- A project, locked, if it is a demo; no row comes back where it is none.
SELECT id FROM telemetry_project WHERE id = %(project)s AND is_demo FOR UPDATE
