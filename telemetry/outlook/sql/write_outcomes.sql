-- Write what became of runs beside what was expected of them.
UPDATE telemetry_forecast AS forecast
SET ended_at = known.ended_at, tokens = known.tokens, cost_nanousd = known.cost_nanousd,
    duration_ms = known.duration_ms, budget_used = known.budget_used,
    exceeded = forecast.budget_spent::numeric + known.budget_used > forecast.budget_limit,
    outcome_share = known.outcome_share
FROM unnest(%(ids)s::uuid[], %(ends)s::timestamptz[], %(tokens)s::int8[], %(costs)s::int8[], %(durations)s::int8[],
            %(used)s::int8[], %(shares)s::float8[])
     AS known (id, ended_at, tokens, cost_nanousd, duration_ms, budget_used, outcome_share)
WHERE forecast.project_id = %(project)s AND forecast.id = known.id
