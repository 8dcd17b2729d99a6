-- The partitions of telemetry_call; one that is being detached takes no rows any more.
SELECT child.relname
FROM pg_inherits
JOIN pg_class child ON child.oid = pg_inherits.inhrelid
WHERE pg_inherits.inhparent = 'telemetry_call'::regclass AND NOT pg_inherits.inhdetachpending
