-- The lock of a project's fold, if nobody has it.
SELECT pg_try_advisory_xact_lock(%(slot)s)
