-- Finish a detaching that was interrupted while it waited.
ALTER TABLE telemetry_call DETACH PARTITION {partition} FINALIZE
