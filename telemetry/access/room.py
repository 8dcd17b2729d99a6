"""Is there room for what comes in? Asked of the disk that the private PostgreSQL writes to, before anything is taken.

A full disk stops PostgreSQL, since its log must be able to grow, and with it every page. What is refused a little
earlier, its sender keeps and sends again. How full the disk of another PostgreSQL is, nobody can know from here.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings


class NoRoom(Exception):
    """The disk has less left than TLOI_LEAST_FREE_MB; nothing was stored."""


def require() -> None:
    """Take a few microseconds to see that there is room. Raises NoRoom."""
    if settings.LEAST_FREE_BYTES and any(free < settings.LEAST_FREE_BYTES for free, _ in disks().values()):
        raise NoRoom(
            "The disk of this server is nearly full, so nothing is stored until there is room; try again then."
        )


def disks() -> dict[Path, tuple[int, int]]:
    """The folders of the private PostgreSQL, data and a log that lies elsewhere, each with the bytes that are free on
    its disk and all there are; empty where DATABASE_URL names another server."""
    found = {}
    for folder in settings.POSTGRES_FOLDERS:
        try:
            disk = os.statvfs(folder)
        except OSError:  # not ours to look at, so not the private one
            continue
        found[folder] = (disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize)
    return found
