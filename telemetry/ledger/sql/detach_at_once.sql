-- Takes a lock that everybody waits for; on a cluster of Citus there is no other way.
ALTER TABLE telemetry_call DETACH PARTITION {partition}
