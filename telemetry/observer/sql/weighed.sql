-- The input of a run in hundredths of a token, part of judge_slice.sql; NULL where a sum is beyond all reason.
CASE WHEN greatest(input_uncached, cache_read, cache_write_5m, cache_write_1h, cache_write_unknown, output) <= %(huge)s
     THEN 100 * input_uncached + %(read)s * cache_read + %(written)s * (cache_write_5m + cache_write_unknown)
          + %(written_1h)s * cache_write_1h
END
