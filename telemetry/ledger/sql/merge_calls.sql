-- Merge a copy of a call into the one that is there. Usage goes as a whole with the fuller of the two (one that is not
-- suspect, then the larger output, then the larger input, then the one that tells cache writes apart), and with it the
-- model and what we compute from both; a reported cost goes by who reports it, then by its amount, so that the order of
-- copies does not matter; empty labels are filled.
UPDATE telemetry_call AS known
SET input_uncached = CASE WHEN is_fuller THEN %(input_uncached)s ELSE known.input_uncached END,
    cache_read = CASE WHEN is_fuller THEN %(cache_read)s ELSE known.cache_read END,
    cache_write_5m = CASE WHEN is_fuller THEN %(cache_write_5m)s ELSE known.cache_write_5m END,
    cache_write_1h = CASE WHEN is_fuller THEN %(cache_write_1h)s ELSE known.cache_write_1h END,
    cache_write_unknown = CASE WHEN is_fuller THEN %(cache_write_unknown)s ELSE known.cache_write_unknown END,
    output = CASE WHEN is_fuller THEN %(output)s ELSE known.output END,
    reasoning = CASE WHEN is_fuller THEN %(reasoning)s ELSE known.reasoning END,
    cost_computed_nanousd = CASE WHEN is_fuller THEN %(cost_computed_nanousd)s ELSE known.cost_computed_nanousd END,
    price_version = CASE WHEN is_fuller THEN %(price_version)s ELSE known.price_version END,
    quality = CASE WHEN is_fuller THEN %(quality)s ELSE known.quality END,
    provider = CASE WHEN is_fuller THEN %(provider)s ELSE known.provider END,
    model = CASE WHEN is_fuller THEN %(model)s ELSE known.model END,
    cost_reported_nanousd = CASE WHEN is_better THEN %(cost_reported_nanousd)s ELSE known.cost_reported_nanousd END,
    cost_kind = CASE WHEN is_better THEN %(cost_kind)s ELSE known.cost_kind END,
    duration_ms = coalesce(known.duration_ms, %(duration_ms)s),
    ttft_ms = coalesce(known.ttft_ms, %(ttft_ms)s),
    agent = coalesce(nullif(known.agent, ''), %(agent)s),
    host = coalesce(nullif(known.host, ''), %(host)s),
    session_id = coalesce(nullif(known.session_id, ''), %(session_id)s),
    subagent_id = CASE WHEN known.source = %(source)s THEN known.subagent_id  -- empty says: the session's own
                       ELSE coalesce(nullif(known.subagent_id, ''), %(subagent_id)s) END,
    session_type = coalesce(nullif(known.session_type, ''), %(session_type)s),
    execution_id = coalesce(nullif(known.execution_id, ''), %(execution_id)s),
    task_type = coalesce(nullif(known.task_type, ''), %(task_type)s),
    objective = coalesce(nullif(known.objective, ''), %(objective)s),
    skill = coalesce(nullif(known.skill, ''), %(skill)s),
    tier = coalesce(nullif(known.tier, ''), %(tier)s),
    service_tier = coalesce(nullif(known.service_tier, ''), %(service_tier)s),
    error_type = coalesce(nullif(known.error_type, ''), %(error_type)s),
    attributes = coalesce(%(attributes)s::jsonb || known.attributes, known.attributes, %(attributes)s::jsonb),
    received_at = %(received_at)s
FROM (SELECT there.is_fuller,
             %(cost_rank)s > there.cost_rank AS is_better
      FROM (SELECT (%(quality)s::int4 & %(suspect)s = 0, %(output)s::int8,
                    %(input_uncached)s::int8 + %(cache_read)s::int8 + %(cache_write_5m)s::int8
                    + %(cache_write_1h)s::int8 + %(cache_write_unknown)s::int8, -%(cache_write_unknown)s::int8)
                   > (quality & %(suspect)s = 0, output,
                      input_uncached + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown,
                      -cache_write_unknown)
                   AS is_fuller,
                   (CASE cost_kind WHEN 'provider' THEN 2 WHEN 'client_estimate' THEN 1 ELSE 0 END::int8 << 50)
                   + coalesce(cost_reported_nanousd, 0) AS cost_rank
            FROM telemetry_call
            WHERE project_id = %(project_id)s AND started_at = %(started_at)s AND id = %(id)s
            FOR NO KEY UPDATE) AS there) AS copy
WHERE known.project_id = %(project_id)s AND known.started_at = %(started_at)s AND known.id = %(id)s
