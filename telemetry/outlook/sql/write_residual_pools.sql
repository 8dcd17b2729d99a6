-- Replace the residuals of a measure.
INSERT INTO telemetry_residual_pool (project_id, measure, scores, score_ats, above_q50, above_q90)
VALUES (%(project)s, %(measure)s, %(scores)s::float8[], %(ats)s::timestamptz[], %(above_q50)s, %(above_q90)s)
ON CONFLICT (project_id, measure) DO UPDATE
SET scores = excluded.scores, score_ats = excluded.score_ats, above_q50 = excluded.above_q50,
    above_q90 = excluded.above_q90
