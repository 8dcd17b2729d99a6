-- Nobody knows this table any more.
DROP TABLE IF EXISTS {expired}
