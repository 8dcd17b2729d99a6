-- The projects of which something that was kept has expired.
SELECT project_id FROM routing_original WHERE expires_at < %(now)s
UNION
SELECT project_id FROM routing_conversation WHERE expires_at < %(now)s
ORDER BY project_id;
