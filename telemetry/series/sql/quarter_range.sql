-- The oldest and the newest quarter of an hour of a project that a rollup holds.
SELECT min(bucket), max(bucket) FROM telemetry_rollup_15m WHERE project_id = %(project)s
