-- Whether a project has a mark of runs between two hours, up to one.
SELECT EXISTS (SELECT FROM telemetry_run_mark
               WHERE project_id = %(project)s AND hour >= %(first)s AND hour <= %(last)s AND id <= %(until)s)
