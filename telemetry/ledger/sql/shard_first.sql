-- Cut the first table by project_id into so many shards.
SELECT create_distributed_table(to_regclass(quote_ident(%(table)s)), 'project_id', colocate_with => 'none',
                                shard_count => %(shards)s)
