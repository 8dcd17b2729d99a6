-- The tables that are cut into shards already, partitions left out.
SELECT class.relname
FROM pg_dist_partition AS cut
JOIN pg_class AS class ON class.oid = cut.logicalrelid
WHERE cut.partmethod = 'h' AND NOT class.relispartition
