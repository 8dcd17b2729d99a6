-- The bytes of a hash, or of the first digits of one, by which a model speaks of it.
SELECT content
FROM routing_original
WHERE project_id = %(project_id)s AND sha256 >= %(ref)s AND sha256 < %(ref)s || 'g'
ORDER BY sha256
LIMIT 1;
