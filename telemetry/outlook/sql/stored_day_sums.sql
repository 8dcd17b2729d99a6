-- What the days from the first to the last came to, as it was kept.
SELECT day, agent, task_type, model, runs, measured, log_sum, log_squares, tokens, cost_nanousd, unpriced_calls
FROM telemetry_run_day
WHERE project_id = %(project)s AND day >= %(first)s AND day <= %(last)s
ORDER BY day, agent, task_type, model
