-- Of which cluster this is a replica, and up to where it has followed; no row comes back where it is none.
SELECT system_identifier, (pg_last_wal_replay_lsn() - '0/0')::int8 AS position FROM pg_control_system()
WHERE pg_is_in_recovery()
