-- Each partition of telemetry_call, about how many rows it holds (as of its last ANALYZE; -1 before the first), and its bytes.
SELECT child.relname, child.reltuples::int8 AS calls, pg_total_relation_size(child.oid) AS size
FROM pg_inherits
JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
WHERE pg_inherits.inhparent = 'telemetry_call'::regclass
