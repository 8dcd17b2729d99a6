-- Reserve in all windows or in none. It decides from the rows that it has locked, in the order of their ids; a window that
-- is not there, or does not know a session that draws on it, is missing: then nothing is reserved.
WITH asked AS MATERIALIZED (
    SELECT asked.*, known.sessions
    FROM unnest(%(ids)s::uuid[], %(limits)s::int8[], %(binding)s::bool[], %(session)s::text[], %(child)s::text[])
         AS asked (id, granted, is_binding, session_id, child_id)
    CROSS JOIN LATERAL (SELECT array_remove(ARRAY[session_id, child_id], '') AS sessions) AS known
), held AS MATERIALIZED (
    SELECT id, counts, sessions, used, reserved, counted_at
    FROM telemetry_budget_window
    WHERE project_id = %(project)s AND id = ANY(%(ids)s::uuid[])
    ORDER BY id
    FOR NO KEY UPDATE
), priced AS MATERIALIZED (
    SELECT held.id, held.used, held.reserved, held.counted_at, asked.granted, asked.is_binding,
           asked.granted - held.used - held.reserved
               - CASE WHEN %(is_final)s::bool THEN 0 ELSE asked.granted / %(held_back)s::int8 END AS room,
           CASE held.counts WHEN 'usd' THEN %(nanousd)s::int8 WHEN 'gross' THEN %(gross)s::int8
                            ELSE %(weighted)s::int8 END AS fixed,
           CASE held.counts WHEN 'usd' THEN %(output_nanousd)s::int8 ELSE 1 END AS each
    FROM held
    JOIN asked ON asked.id = held.id AND held.sessions @> asked.sessions
), fits AS MATERIALIZED (
    SELECT *, CASE WHEN fixed > 0 AND room < fixed THEN -1
                   WHEN each = 0 THEN %(output)s::int8
                   WHEN room < fixed THEN -1
                   ELSE least((room - fixed) / each, %(output)s::int8) END AS output
    FROM priced
), verdict AS MATERIALIZED (
    SELECT is_whole, output, is_whole AND output >= least(%(least)s::int8, %(output)s::int8) AS is_granted
    FROM (SELECT count(*) = cardinality(%(ids)s::uuid[]) AS is_whole,
                 coalesce(min(output) FILTER (WHERE is_binding), %(output)s::int8) AS output FROM fits) AS found
), lease AS (
    INSERT INTO telemetry_budget_lease (project_id, id, windows, amounts, state, created_at, until_at)
    SELECT %(project)s, %(lease)s::text, array_agg(fits.id ORDER BY fits.id),
           array_agg(fits.fixed + fits.each * verdict.output ORDER BY fits.id), 'open', %(now)s::timestamptz, %(until)s::timestamptz
    FROM fits CROSS JOIN verdict
    WHERE verdict.is_granted AND %(lease)s::text IS NOT NULL
    HAVING count(*) > 0
), took AS (
    UPDATE telemetry_budget_window AS taken
    SET reserved = taken.reserved + fits.fixed + fits.each * verdict.output, granted = fits.granted
    FROM fits CROSS JOIN verdict
    WHERE verdict.is_granted AND %(lease)s::text IS NOT NULL AND taken.project_id = %(project)s AND taken.id = fits.id
    RETURNING taken.id
)
SELECT verdict.is_whole, verdict.is_granted, verdict.output, fits.id, fits.used, fits.reserved, fits.output,
       fits.fixed + fits.each * greatest(verdict.output, 0), fits.counted_at
FROM verdict LEFT JOIN fits ON true
ORDER BY fits.id
