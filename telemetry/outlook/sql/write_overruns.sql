-- Note that of runs that go on half of what is thinkable exceeds their budget, where that was not noted before.
UPDATE telemetry_forecast AS forecast
SET overrun_at = %(now)s, overrun_calls = known.calls, overrun_used = known.used, overrun_expected = known.expected
FROM unnest(%(ids)s::uuid[], %(calls)s::int8[], %(used)s::int8[], %(expected)s::int8[])
     AS known (id, calls, used, expected)
WHERE forecast.project_id = %(project)s AND forecast.id = known.id AND forecast.overrun_at IS NULL
