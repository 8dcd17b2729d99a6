-- The statistics of keys, all measures of each.
SELECT level, key, measure, runs, weight, mean_log, m2_log, total, first_at, last_at
FROM telemetry_key_stat
JOIN unnest(%(levels)s::int2[], %(digests)s::text[]) AS wanted (wanted_level, digest)
  ON level = wanted_level AND key = digest
WHERE project_id = %(project)s
