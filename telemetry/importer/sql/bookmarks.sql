-- How far the files of a source on one machine have been read.
SELECT path, "offset", fingerprint, state::text
FROM telemetry_importedfile
WHERE project_id = %(project)s AND source = %(source)s AND host = %(host)s
