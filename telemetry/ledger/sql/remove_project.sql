-- Delete a project; foreign keys to it are checked when the transaction commits.
DELETE FROM telemetry_project WHERE id = %(project)s
