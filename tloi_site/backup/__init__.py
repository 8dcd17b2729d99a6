"""Backups: one file each, taken while everything runs, proven when it is restored. What and why: docs/backup.md."""


class BackupError(Exception):
    """A backup cannot be taken, or cannot be restored; the text is a sentence for the person who asked."""
