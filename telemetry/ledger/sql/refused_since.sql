-- Why items were refused since a moment, most recent first.
SELECT source, reason, count, last_at, sample_id FROM telemetry_rejectedreason
WHERE project_id = %(project)s AND last_at >= %(since)s
ORDER BY last_at DESC, count DESC, source, reason
