-- How far all projects are folded.
SELECT project_id, zone, minutes_from_at, folded_at, newest_call_at, fold_ms FROM telemetry_rollup_state
