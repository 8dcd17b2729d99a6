-- Calls of a session share its lock; who decides whether the totals of an execution in it count has it alone. Slots
-- are sorted, so that nobody waits in a circle.
SELECT CASE WHEN sent.is_shared THEN pg_advisory_xact_lock_shared(sent.slot) ELSE pg_advisory_xact_lock(sent.slot) END
FROM unnest(%(slots)s::int8[], %(shared)s::bool[]) AS sent (slot, is_shared)
