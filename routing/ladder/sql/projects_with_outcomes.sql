-- The projects that had answers since some day.
SELECT DISTINCT project_id FROM routing_outcomeday WHERE day >= %(since)s ORDER BY project_id;
