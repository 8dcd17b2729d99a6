-- Write the computed cost of calls that are locked.
UPDATE telemetry_call AS known
SET cost_computed_nanousd = sent.cost, price_version = sent.version
FROM unnest(%(ids)s::uuid[], %(moments)s::timestamptz[], %(costs)s::int8[], %(versions)s::text[])
     AS sent (id, started_at, cost, version)
WHERE known.project_id = %(project)s AND known.started_at >= %(start)s AND known.started_at < %(end)s
  AND known.started_at = sent.started_at AND known.id = sent.id
