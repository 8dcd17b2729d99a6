-- Keep what counters showed. A counter since a moment only grows; one from moment to moment is kept a piece each.
INSERT INTO telemetry_meterpoint AS known
       (project_id, series, started_at, at, last_at, session_id, model, agent, bucket, value)
SELECT %(project)s, sent.*
FROM json_to_recordset(%(rows)s::json)
     AS sent (series uuid, started_at timestamptz, at timestamptz, last_at timestamptz, session_id text, model text,
              agent text, bucket text, value int8)
ORDER BY sent.series, sent.started_at, sent.at
ON CONFLICT (project_id, series, started_at, at) DO UPDATE
SET value = greatest(known.value, excluded.value), last_at = greatest(known.last_at, excluded.last_at)
WHERE excluded.value > known.value OR excluded.last_at > known.last_at
