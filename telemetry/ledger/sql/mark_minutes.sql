-- Note minutes, counted from 1970, in which calls or executions changed: a row a UTC day.
INSERT INTO telemetry_dirty (project_id, day, minutes)
SELECT %(project)s, date '1970-01-01' + (minute / 1440)::int4, array_agg(to_timestamp(60 * minute) ORDER BY minute)
FROM unnest(%(minutes)s::int8[]) AS changed (minute)
GROUP BY minute / 1440
