-- Calls of a session share its lock; who decides whether the totals of an execution in it count has it alone. Slots
-- are sorted, so that nobody waits in a circle. OFFSET 0 keeps PostgreSQL from leaving out what only takes a lock.
SELECT count(*)
FROM (SELECT CASE WHEN shared = 1 THEN pg_advisory_xact_lock_shared(slot) ELSE pg_advisory_xact_lock(slot) END
      FROM unnest(%(slots)s::int8[], %(shared)s::int8[]) AS sent (slot, shared) OFFSET 0) AS taken
