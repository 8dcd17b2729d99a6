-- What lies in buckets of a rollup of waste that has shorter ones or more dimensions, part of write_waste.sql. OFFSET 0:
-- bucket by bucket, whatever the planner thinks.
SELECT asked.bucket, {dimensions}, anomalies, tokens_wasted, tokens_once
FROM unnest(%(buckets)s::timestamptz[]) AS asked (bucket)
CROSS JOIN LATERAL (
    SELECT {dimensions}, anomalies, tokens_wasted, tokens_once FROM {table}
    WHERE project_id = %(project)s AND bucket >= asked.bucket AND bucket < asked.bucket + %(width)s
    OFFSET 0) AS part
