-- A partition is made apart and then attached: unlike CREATE … PARTITION OF this waits for no reader.
CREATE TABLE {partition} (LIKE telemetry_call INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE);
ALTER TABLE telemetry_call ATTACH PARTITION {partition} FOR VALUES FROM ({start}) TO ({end});
