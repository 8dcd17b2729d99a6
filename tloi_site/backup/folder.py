"""A folder of backups that are taken by themselves: one a day, of which the newest few are kept.

The folder is the truth about what was done; whoever is woken looks whether today's is there.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from tloi_site.backup import BackupError, archive
from tloi_site.backup.database import Database
from tloi_site.backup.taking import back_up

_NAME = re.compile(r"tloi-(\d{8}T\d{6}Z)\.backup")
_STAMP = "%Y%m%dT%H%M%SZ"


def back_up_if_due(database: Database, folder: Path, *, keep: int, now: datetime) -> Path | None:
    """Take the backup of this UTC day where there is none, and keep the newest `keep`. None: there is one already.

    Raises BackupError; then no file is removed either.
    """
    latest = newest(folder)
    if latest and latest.date() >= now.date():
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        archive.sweep(folder)
    except OSError as error:
        raise BackupError(f"The folder {folder} cannot be written: {error.strerror}.") from error
    file = folder / f"tloi-{now.astimezone(UTC).strftime(_STAMP)}.backup"
    back_up(database, file, now=now)
    for old in _by_age(folder)[keep:]:
        old.unlink(missing_ok=True)
    return file


def newest(folder: Path) -> datetime | None:
    """When the newest backup in a folder was taken."""
    files = _by_age(folder)
    return _taken_at(files[0]) if files else None


def _by_age(folder: Path) -> list[Path]:
    """Newest first; files of other names are not ours."""
    files = folder.iterdir() if folder.is_dir() else iter(())
    return sorted((file for file in files if _NAME.fullmatch(file.name)), reverse=True)


def _taken_at(file: Path) -> datetime:
    return datetime.strptime(file.name, f"tloi-{_STAMP}.backup").replace(tzinfo=UTC)
