-- What receipts of a model have taught.
SELECT weight, mean_log, m2_log, receipts
FROM telemetry_tokenratio
WHERE project_id = %(project)s AND model = %(model)s::text
