-- A lock of a project, of its fold or of its runs, until the transaction ends. A statement of its own, so that what comes
-- next sees all that was committed before the lock was had.
SELECT pg_advisory_xact_lock(%(slot)s)
