-- How many rows a table has, the sum of a 64-bit digest of each, in any order, and the sums of some columns.
SELECT count(*),
       coalesce(sum(('x' || left(encode(sha256(convert_to((whole.*)::text, 'UTF8')), 'hex'), 16))::bit(64)::bigint), 0)
       {sums}
FROM {table} AS whole
