-- Its day may come back, for a project that keeps more; then a new partition takes the old name.
ALTER TABLE {partition} RENAME TO {expired}
