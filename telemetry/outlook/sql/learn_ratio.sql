-- Add a receipt to the decayed mean and sum of squares of a model; of two at once each finds what the other left.
INSERT INTO telemetry_tokenratio AS known (project_id, model, weight, mean_log, m2_log, receipts, learned_at)
VALUES (%(project)s, %(model)s, 1, %(log)s, 0, 1, %(now)s)
ON CONFLICT (project_id, model) DO UPDATE SET
    weight = known.weight * %(decay)s::float8 + 1,
    mean_log = known.mean_log
        + (excluded.mean_log - known.mean_log) / (known.weight * %(decay)s::float8 + 1),
    m2_log = %(decay)s::float8 * (known.m2_log + known.weight * (excluded.mean_log - known.mean_log) ^ 2
                                  / (known.weight * %(decay)s::float8 + 1)),
    receipts = known.receipts + 1,
    learned_at = greatest(known.learned_at, excluded.learned_at)
