-- Keep what the runs of a day add up to.
INSERT INTO telemetry_run_day (project_id, day, series_id, agent, task_type, model, runs, measured, log_sum, log_squares,
                               tokens, cost_nanousd, unpriced_calls)
SELECT %(project)s, day, encode(substr(sha256(convert_to(ROW(agent, task_type, model)::text, 'UTF8')), 1, 16), 'hex')::uuid,
       agent, task_type, model, runs, measured, log_sum, log_squares, tokens, cost_nanousd, unpriced_calls
FROM ({sums}) AS sums
