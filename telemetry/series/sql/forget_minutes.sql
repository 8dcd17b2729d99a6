-- Delete a project's minutes before a moment: old ones, and what stood for old quarters of an hour during a fold.
DELETE FROM telemetry_rollup_1m WHERE project_id = %(project)s AND bucket < %(before)s
