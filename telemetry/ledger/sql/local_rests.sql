-- Which of these tables, or a partition of which, still holds the rows here that it held before it was cut.
SELECT shard.name
FROM unnest(%(tables)s::text[]) AS shard (name)
WHERE EXISTS (SELECT FROM pg_partition_tree(to_regclass(quote_ident(shard.name))) AS part
              WHERE part.isleaf AND pg_relation_size(part.relid) > 0)
