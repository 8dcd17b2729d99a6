-- Replace the statistics of keys, in order of their key.
INSERT INTO telemetry_key_stat
    (project_id, level, key, measure, runs, weight, mean_log, m2_log, total, first_at, last_at)
SELECT %(project)s, learned.*
FROM unnest(%(levels)s::int2[], %(digests)s::text[], %(measures)s::text[], %(runs)s::int8[], %(weights)s::float8[],
            %(means)s::float8[], %(m2s)s::float8[], %(totals)s::float8[], %(firsts)s::timestamptz[],
            %(lasts)s::timestamptz[]) AS learned
ON CONFLICT (project_id, level, key, measure) DO UPDATE
SET runs = excluded.runs, weight = excluded.weight, mean_log = excluded.mean_log, m2_log = excluded.m2_log,
    total = excluded.total, first_at = excluded.first_at, last_at = excluded.last_at
