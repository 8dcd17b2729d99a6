-- Forget forecasts of which nobody will know what became of their run.
DELETE FROM telemetry_forecast WHERE project_id = %(project)s AND asked_at < %(before)s AND ended_at IS NULL
