-- From now on nothing of this project before that moment is counted anew; the moment never goes back.
UPDATE telemetry_project SET calls_kept_from_at = greatest(calls_kept_from_at, %(before)s) WHERE id = %(project)s
