-- A partition is made apart and attached then: unlike CREATE … PARTITION OF this waits for no reader.
CREATE TABLE {partition} (LIKE telemetry_call INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE)
