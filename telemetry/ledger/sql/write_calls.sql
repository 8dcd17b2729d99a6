-- Write new calls: arrays of a value a call, side by side, and beside them the values that all of a batch have alike.
INSERT INTO telemetry_call ({columns})
SELECT {values}
