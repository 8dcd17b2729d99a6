-- The partition of telemetry_call whose detaching was begun and not finished.
SELECT child.relname
FROM pg_inherits
JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
WHERE pg_inherits.inhparent = 'telemetry_call'::regclass AND pg_inherits.inhdetachpending
