-- Which cluster this is, and up to where its log holds what was committed.
SELECT system_identifier, (pg_current_wal_flush_lsn() - '0/0')::int8 AS position FROM pg_control_system()
