-- Partitions that no VACUUM command has been through yet, and those that have changed since. Where statistics were lost
-- a day is gone through once more, which is cheap: frozen pages are skipped. Of a cluster's shards we know nothing here;
-- there autovacuum freezes.
SELECT child.relname
FROM pg_inherits
JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
JOIN pg_stat_all_tables AS seen ON seen.relid = child.oid
WHERE pg_inherits.inhparent = 'telemetry_call'::regclass AND NOT pg_inherits.inhdetachpending
  AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')
  AND (seen.last_vacuum IS NULL OR seen.n_ins_since_vacuum + seen.n_dead_tup >= %(changed)s)
