-- Runs under a budget: how many, how many beyond it, and the most.
SELECT count(*), count(*) FILTER (WHERE used > %(limit)s), coalesce(max(used), 0)
FROM (
    SELECT execution_id, {amount} AS used
    FROM telemetry_rollup_run
    WHERE project_id = %(project)s AND started_at >= %(since)s AND started_at < %(end)s AND {whose}
    GROUP BY execution_id
) AS run
