-- These leases hold on; those that are no longer their runner's are not among what comes back.
UPDATE routing_errand
SET leased_until = now() + %(lease_s)s * interval '1 second'
WHERE lease = ANY(%(leases)s) AND state = 'running'
RETURNING lease;
