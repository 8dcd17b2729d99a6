-- Forecasts that were made in a range.
SELECT {columns}
FROM telemetry_forecast
WHERE project_id = %(project)s AND asked_at >= %(start)s AND asked_at < %(end)s {filters}
ORDER BY {order}
LIMIT %(limit)s OFFSET %(offset)s
