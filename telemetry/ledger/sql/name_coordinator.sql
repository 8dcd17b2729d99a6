-- Say where the others find this server, which is the one that knows where each shard lies.
SELECT citus_set_coordinator_host(%(host)s, %(port)s)
