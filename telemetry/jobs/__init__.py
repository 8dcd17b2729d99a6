"""Work that must be done once for a project and a period. The table is the truth; Celery only wakes."""
