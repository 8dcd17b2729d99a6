-- Tables that were partitions of telemetry_call and stand alone; under the old name where a run ended just then. Those that
-- are renamed come first, for another may want the same new name.
SELECT lone.relname
FROM pg_class AS lone
WHERE lone.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'telemetry_call'::regclass)
  AND lone.relkind = 'r' AND lone.relname ~ '^telemetry_(call|expired)_(d\d{8}|m\d{6})$'
  AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = lone.oid)
ORDER BY lone.relname DESC
