-- Give back the space of the rows that a table held here before it was cut; its shards hold them now.
SELECT truncate_local_data_after_distributing_table(to_regclass(quote_ident(%(table)s)))
