-- How many runs a session has, and what they add up to.
SELECT count(*) AS runs,
       coalesce(sum(input_uncached::numeric + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown
                    + output), 0) AS tokens
FROM telemetry_rollup_run
WHERE project_id = %(project)s AND session_id = %(session)s AND session_id <> ''
  AND NOT starts_with(execution_id, 'meter:')
