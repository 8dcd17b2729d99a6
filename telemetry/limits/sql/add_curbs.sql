-- Calls that budgets refused or lowered, added to those of the same hour; of two the later one says how it stood.
INSERT INTO telemetry_budget_curb AS kept (
    project_id, id, kind, budget_id, scope, subject, period, counts, session_id, agent, tier, granted, remaining, prompt,
    wanted, given, calls, first_at, last_at
)
SELECT %(project)s, id, kind, budget_id, scope, subject, period, counts, session_id, agent, tier, granted, remaining, prompt,
       wanted, given, calls, first_at, last_at
FROM jsonb_to_recordset(%(rows)s::jsonb) AS row (
    id uuid, kind text, budget_id bigint, scope text, subject text, period text, counts text, session_id text, agent text,
    tier text, granted bigint, remaining bigint, prompt bigint, wanted bigint, given bigint, calls bigint,
    first_at timestamptz, last_at timestamptz
)
ORDER BY id
ON CONFLICT (project_id, id) DO UPDATE SET
    calls = kept.calls + excluded.calls,
    first_at = least(kept.first_at, excluded.first_at),
    last_at = greatest(kept.last_at, excluded.last_at),
    (granted, remaining, prompt, wanted, given) = (
        SELECT last.granted, last.remaining, last.prompt, last.wanted, last.given
        FROM (VALUES
            (kept.last_at, kept.granted, kept.remaining, kept.prompt, kept.wanted, kept.given),
            (excluded.last_at, excluded.granted, excluded.remaining, excluded.prompt, excluded.wanted, excluded.given)
        ) AS last (at, granted, remaining, prompt, wanted, given)
        ORDER BY last.at DESC
        LIMIT 1
    )
