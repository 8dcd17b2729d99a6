-- Add a server that holds shards; one that was added already stays as it is.
SELECT citus_add_node(%(host)s, %(port)s)
