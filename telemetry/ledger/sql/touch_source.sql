-- Note that a source sent something now. A row that is recent is only looked at, never locked or written.
INSERT INTO telemetry_sourceseen (project_id, source, first_received_at, last_received_at)
SELECT %(project)s, %(source)s, %(now)s, %(now)s
WHERE NOT EXISTS (
    SELECT FROM telemetry_sourceseen
    WHERE project_id = %(project)s AND source = %(source)s AND last_received_at > %(recent)s
)
ON CONFLICT (project_id, source) DO UPDATE
SET last_received_at = greatest(telemetry_sourceseen.last_received_at, EXCLUDED.last_received_at)
