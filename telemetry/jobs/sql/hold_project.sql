-- A project, so that nobody removes it meanwhile.
SELECT id FROM telemetry_project WHERE id = %(project)s FOR KEY SHARE
