-- A partition is made apart and attached then: unlike CREATE … PARTITION OF this waits for no reader. While rows come,
-- vacuum looks at a twentieth of them at a time, so that index-only scans and the freezing of a closed day stay cheap.
CREATE TABLE {partition} (LIKE telemetry_call INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE)
WITH (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_scale_factor = 0.05,
      autovacuum_analyze_scale_factor = 0.05)
