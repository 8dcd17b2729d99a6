-- Citus passes on no DETACH … CONCURRENTLY. This one waits too, and others behind it, but no longer than lock_timeout.
ALTER TABLE telemetry_call DETACH PARTITION {partition}
