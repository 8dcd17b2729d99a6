-- Add to the counts of reasons. A reason that is new finds a place while the source has fewer than %(most)s of them,
-- else it counts as %(other)s; batches at the same moment may each add the reasons that they found room for.
INSERT INTO telemetry_rejectedreason (project_id, source, reason, count, last_at, sample_id)
SELECT %(project)s, %(source)s, kept.reason, sum(kept.count), %(now)s, max(kept.sample_id)
FROM (
    SELECT CASE
               WHEN known.reason IS NOT NULL THEN sent.reason
               WHEN row_number() OVER (PARTITION BY known.reason IS NULL ORDER BY sent.reason) + (
                   SELECT count(*) FROM telemetry_rejectedreason
                   WHERE project_id = %(project)s AND source = %(source)s
               ) < %(most)s THEN sent.reason
               ELSE %(other)s
           END AS reason,
           sent.count, sent.sample_id
    FROM unnest(%(reasons)s::text[], %(counts)s::bigint[], %(samples)s::text[]) AS sent (reason, count, sample_id)
    LEFT JOIN telemetry_rejectedreason AS known
        ON known.project_id = %(project)s AND known.source = %(source)s AND known.reason = sent.reason
) AS kept
GROUP BY kept.reason
ORDER BY kept.reason
ON CONFLICT (project_id, source, reason) DO UPDATE
SET count = telemetry_rejectedreason.count + EXCLUDED.count, last_at = EXCLUDED.last_at, sample_id = EXCLUDED.sample_id
