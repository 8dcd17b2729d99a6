"""OUTLOOK: what is to be expected of a project: what is usual for it, and what a task will take."""
