-- Note minutes in which calls or executions changed, at most so many in a row.
INSERT INTO telemetry_dirty (project_id, minutes)
SELECT %(project)s, array_agg(to_timestamp(60 * minute) ORDER BY minute)
FROM unnest(%(minutes)s::int8[]) WITH ORDINALITY AS changed (minute, place)
GROUP BY (place - 1) / %(most)s::int8
