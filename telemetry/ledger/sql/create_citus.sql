-- Every server of a cluster needs the extension in this database.
CREATE EXTENSION IF NOT EXISTS citus
