-- Waits for the transactions that know the partition; a plain DETACH or DROP would make everybody else wait for them.
ALTER TABLE telemetry_call DETACH PARTITION {partition} CONCURRENTLY
