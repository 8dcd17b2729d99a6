-- Apart from the making, for Citus passes each statement on by itself.
ALTER TABLE telemetry_call ATTACH PARTITION {partition} FOR VALUES FROM ({start}) TO ({end})
