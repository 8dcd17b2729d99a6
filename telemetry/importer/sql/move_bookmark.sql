-- Move a file's bookmark from where this reader found it; no row comes back where another reader moved it meanwhile.
INSERT INTO telemetry_importedfile AS known (project_id, source, host, path, size, "offset", fingerprint, state,
                                             imported_at)
VALUES (%(project)s, %(source)s, %(host)s, %(path)s, %(size)s, %(offset)s, %(fingerprint)s, %(state)s, %(now)s)
ON CONFLICT (project_id, source, host, path) DO UPDATE
SET size = excluded.size,
    "offset" = excluded."offset",
    fingerprint = excluded.fingerprint,
    state = excluded.state,
    imported_at = excluded.imported_at
WHERE known."offset" = %(found_at)s
RETURNING 1
