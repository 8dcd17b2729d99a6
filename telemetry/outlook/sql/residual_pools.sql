-- The last residuals of each measure. When each came about is asked for only to add to them.
SELECT measure, scores, CASE WHEN %(is_dated)s THEN score_ats ELSE '{}' END AS score_ats, above_q50, above_q90
FROM telemetry_residual_pool WHERE project_id = %(project)s
