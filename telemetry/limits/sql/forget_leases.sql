-- Delete what was settled and is in the sums, and what expired long ago.
DELETE FROM telemetry_budget_lease AS lease
WHERE lease.project_id = %(project)s AND lease.state <> 'open'
  AND (lease.ended_at < %(kept_from)s OR NOT {is_waiting})
