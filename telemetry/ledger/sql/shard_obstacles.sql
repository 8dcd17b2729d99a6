-- What keeps these tables from becoming shards by project_id, a row each. Keys: PostgreSQL checks them inside a shard
-- only, so project_id must be one of their columns. Foreign keys: only between tables cut alike, by project_id at the same
-- place of both sides; and none at a partitioned table, whose partitions could not be dropped then.
SELECT shard.name AS table_name, broken.rule
FROM unnest(%(tables)s::text[]) AS shard (name)
LEFT JOIN pg_class AS class ON class.oid = to_regclass(quote_ident(shard.name))
LEFT JOIN pg_attribute AS project
  ON project.attrelid = class.oid AND project.attname = 'project_id' AND project.attnum > 0
CROSS JOIN LATERAL (
    SELECT CASE WHEN class.oid IS NULL THEN 'is not there'
                ELSE 'has no column project_id that is never null' END AS rule
    WHERE project.attnotnull IS NOT TRUE
    UNION ALL
    SELECT format('%%s is unique without project_id', key.indexrelid::regclass)
    FROM pg_index AS key
    WHERE key.indrelid = class.oid AND (key.indisunique OR key.indisexclusion)
      AND (project.attnum IS NULL OR NOT project.attnum = ANY((key.indkey::int2[])[0:key.indnkeyatts - 1]))
    UNION ALL
    SELECT format('has the trigger %%s', fires.tgname)
    FROM pg_trigger AS fires
    WHERE fires.tgrelid = class.oid AND NOT fires.tgisinternal
    UNION ALL
    SELECT format('%%s points at the partitioned table %%s', link.conname, link.confrelid::regclass)
    FROM pg_constraint AS link JOIN pg_class AS target ON target.oid = link.confrelid
    WHERE link.conrelid = class.oid AND link.contype = 'f' AND link.conparentid = 0 AND target.relkind = 'p'
    UNION ALL
    SELECT format('%%s points at %%s, which is not cut by project_id', link.conname, link.confrelid::regclass)
    FROM pg_constraint AS link JOIN pg_class AS target ON target.oid = link.confrelid
    WHERE link.conrelid = class.oid AND link.contype = 'f' AND link.conparentid = 0 AND NOT target.relname = ANY(%(tables)s)
    UNION ALL
    SELECT format('%%s does not pair project_id with project_id', link.conname)
    FROM pg_constraint AS link JOIN pg_class AS target ON target.oid = link.confrelid
    WHERE link.conrelid = class.oid AND link.contype = 'f' AND link.conparentid = 0 AND target.relname = ANY(%(tables)s)
      AND NOT EXISTS (
          SELECT FROM unnest(link.conkey, link.confkey) AS pair (own, theirs)
          JOIN pg_attribute AS other ON other.attrelid = link.confrelid AND other.attnum = pair.theirs
          WHERE pair.own = project.attnum AND other.attname = 'project_id')
    UNION ALL
    SELECT format('%%s of the local table %%s points at it', link.conname, link.conrelid::regclass)
    FROM pg_constraint AS link JOIN pg_class AS source ON source.oid = link.conrelid
    WHERE link.confrelid = class.oid AND link.contype = 'f' AND link.conparentid = 0
      AND NOT source.relname = ANY(%(tables)s) AND NOT source.relispartition
) AS broken
ORDER BY 1, 2
