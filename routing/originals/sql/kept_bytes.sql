-- How much is kept of a project.
SELECT coalesce(sum(size), 0)::bigint
FROM routing_original
WHERE project_id = %(project_id)s;
