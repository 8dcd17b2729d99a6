-- What was wasted in a span with each run once: the largest of its findings, never above its total.
SELECT count(*), coalesce(sum(wasted), 0)
FROM (SELECT max(least(tokens_wasted, tokens)) AS wasted
      FROM telemetry_anomaly
      WHERE project_id = %(project)s AND started_at >= %(start)s AND started_at < %(end)s AND state <> 'not_waste'
        AND (state = 'new' OR NOT evidence @> '{{"holds": false}}') {filters}
      GROUP BY execution_id) AS run
