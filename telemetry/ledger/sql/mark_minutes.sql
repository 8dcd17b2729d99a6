-- Note minutes in which calls or executions changed, at most so many in a row.
INSERT INTO telemetry_dirty (project_id, minutes)
SELECT %(project)s, array_agg(minute ORDER BY minute)
FROM unnest(%(minutes)s::timestamptz[]) WITH ORDINALITY AS changed (minute, place)
GROUP BY (place - 1) / %(most)s::int8
