-- Keep forecasts, each a JSON object with the columns as its names.
INSERT INTO telemetry_forecast (
    project_id,
    id, asked_at, is_asked, execution_id, task_id, task_type, tool, agent, session_id, level, n, runs, tokens_q50,
    tokens_q90, tokens_naive, tokens_grid, weighted_q50, weighted_q90, cost_q50_nanousd, cost_q90_nanousd,
    duration_q50_ms, duration_q90_ms, chances, budget_period, budget_counts, budget_limit, budget_spent,
    budget_naive, p_exceed, warns
)
SELECT %(project)s, kept.*
FROM jsonb_to_recordset(%(rows)s::jsonb) AS kept (
    id uuid, asked_at timestamptz, is_asked boolean, execution_id text, task_id text, task_type text, tool text,
    agent text, session_id text, level text, n int8, runs int8, tokens_q50 int8, tokens_q90 int8, tokens_naive
    int8, tokens_grid int8[], weighted_q50 int8, weighted_q90 int8, cost_q50_nanousd int8, cost_q90_nanousd int8,
    duration_q50_ms int8, duration_q90_ms int8, chances jsonb, budget_period text, budget_counts text,
    budget_limit int8, budget_spent int8, budget_naive int8, p_exceed float8, warns boolean
)
