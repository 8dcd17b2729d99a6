-- The lock of a project's anomalies, until the transaction ends. A statement of its own, so that what comes next sees all
-- that was committed before the lock was had.
SELECT pg_advisory_xact_lock(%(slot)s)
