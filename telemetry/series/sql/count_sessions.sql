-- How many sessions have calls in a window: those whose first call lies in it, those whose last one does and that began
-- before, and of those that were there before and after it, which have rows in it. IS TRUE: these rows are read only once
-- there is such a session, which there hardly ever is.
SELECT (SELECT count(*) FROM telemetry_rollup_session
        WHERE project_id = %(project)s AND first_at >= %(start)s AND first_at < %(end)s)
     + (SELECT count(*) FROM telemetry_rollup_session
        WHERE project_id = %(project)s AND last_at >= %(start)s AND last_at < %(end)s AND first_at < %(start)s)
     + (SELECT count(*) FROM telemetry_rollup_session
        WHERE project_id = %(project)s AND last_at >= %(end)s AND first_at < %(start)s
          AND (session_id IN (SELECT session_id FROM {rows} WHERE calls > 0)) IS TRUE)
