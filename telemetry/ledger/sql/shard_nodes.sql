-- The servers that hold shards.
SELECT nodename || ':' || nodeport
FROM pg_dist_node
WHERE isactive AND shouldhaveshards AND noderole = 'primary'
ORDER BY groupid
