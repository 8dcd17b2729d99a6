-- Which of these executions can be added up now, and between which moments they may have calls, as spans without overlap:
-- calls that name them, those of their session while they ran, and totals that were sent. Those that need more than
-- `longest` to be read, or begin more than `within` before the newest, are for later. Those whose calls may have expired
-- are neither. And those that are not there.
WITH total AS MATERIALIZED (
    SELECT wanted.key, identity.started_at
    FROM unnest(%(total_keys)s::text[], %(total_ids)s::uuid[]) AS wanted (key, id)
    JOIN (SELECT id, started_at FROM telemetry_identity
          WHERE project_id = %(project)s AND id = ANY(%(total_ids)s::uuid[]) OFFSET 0) AS identity
      ON identity.id = wanted.id
), known AS MATERIALIZED (
    SELECT execution_id, range_agg(near.span) AS reach
    FROM (SELECT * FROM telemetry_execution
          WHERE project_id = %(project)s AND execution_id = ANY(%(keys)s) OFFSET 0) AS sent
    LEFT JOIN total ON total.key = sent.execution_id
    CROSS JOIN LATERAL (VALUES
        (tstzrange(sent.started_at, CASE WHEN session_id <> '' AND duration_ms >= 0
                   THEN sent.started_at + least(duration_ms * interval '1 millisecond', %(after)s::interval)
                   ELSE sent.started_at END, '[]')),
        (CASE WHEN called_from_at - %(slack)s::interval <= sent.started_at + %(after)s::interval
                   AND called_to_at + %(slack)s::interval >= sent.started_at - %(before)s::interval
              THEN tstzrange(greatest(called_from_at - %(slack)s::interval, sent.started_at - %(before)s::interval),
                             least(called_to_at + %(slack)s::interval, sent.started_at + %(after)s::interval), '[]')
         END),
        (CASE WHEN total.key IS NOT NULL THEN tstzrange(total.started_at, total.started_at, '[]') END)
    ) AS near (span)
    GROUP BY execution_id
), measured AS MATERIALIZED (
    SELECT execution_id, reach, lower(reach) < max(lower(reach)) OVER () - %(within)s::interval
           OR (SELECT sum(upper(span) - lower(span)) FROM unnest(reach) AS span) > %(longest)s::interval AS is_later
    FROM known
    WHERE lower(reach) >= coalesce(%(kept_from)s, '-infinity'::timestamptz)
), now AS MATERIALIZED (
    SELECT range_agg(reach) AS reach FROM measured WHERE NOT is_later
)
SELECT ARRAY(SELECT execution_id FROM measured WHERE NOT is_later ORDER BY execution_id) AS now,
       ARRAY(SELECT execution_id FROM measured WHERE is_later ORDER BY execution_id) AS later,
       ARRAY(SELECT key FROM unnest(%(keys)s::text[]) AS wanted (key) EXCEPT SELECT execution_id FROM known) AS gone,
       ARRAY(SELECT lower(span) FROM now, unnest(reach) AS span ORDER BY span) AS starts,
       ARRAY(SELECT upper(span) FROM now, unnest(reach) AS span ORDER BY span) AS ends
