-- How many items of each source of a project were ever refused.
SELECT source, sum(count)::int8 FROM telemetry_rejectedreason WHERE project_id = %(project)s GROUP BY source
