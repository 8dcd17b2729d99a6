-- A lock of a project, of its fold or of its runs, if nobody has it.
SELECT pg_try_advisory_xact_lock(%(slot)s)
