-- The version of the extension that makes shards; no row comes back where this database has none.
SELECT extversion FROM pg_extension WHERE extname = 'citus'
