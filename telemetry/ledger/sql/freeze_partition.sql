-- TRUNCATE OFF: giving empty pages at the end back to the disk would take a lock that readers wait for.
VACUUM (FREEZE, ANALYZE, TRUNCATE OFF, SKIP_LOCKED) {partition}
