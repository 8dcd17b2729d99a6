-- The rules of a project that tell of anomalies are due now.
UPDATE telemetry_alertrule SET look_at = %(now)s
WHERE project_id = %(project)s AND kind = 'anomaly' AND is_enabled AND look_at > %(now)s
