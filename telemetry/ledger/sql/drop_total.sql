-- Forget the identity of an execution's total and say where its call lives, so that it can be removed there.
DELETE FROM telemetry_identity WHERE project_id = %(project)s AND id = %(id)s RETURNING started_at
