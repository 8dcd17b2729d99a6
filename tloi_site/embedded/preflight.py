"""What must hold before anything is started; each failure is one sentence that says what to do."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path

from tloi_site.embedded import CannotStart, ports

ROOM = 300 * 2**20  # bytes: a new data folder takes 40 MB, PostgreSQL's log and the first data the rest
MACHINES = {"linux": ("x86_64", "aarch64"), "darwin": ("x86_64", "arm64")}


def platform_fits(*, private_servers: bool) -> None:
    """Raises CannotStart where Celery, or the private servers' programs, do not run."""
    if sys.platform == "win32":
        raise CannotStart("TLOI does not run on Windows itself; use WSL (https://learn.microsoft.com/windows/wsl).")
    if not private_servers:
        return
    machine, system = platform.machine(), platform.system()
    if machine not in MACHINES.get(sys.platform, ()) or (sys.platform == "linux" and platform.libc_ver()[0] != "glibc"):
        raise CannotStart(
            f"The private servers run on Linux (glibc) and macOS, on x86_64 and ARM64, but this is {system} on "
            f"{machine}; set DATABASE_URL, REDIS_URL and CACHE_URL to servers of your own."
        )


def disk_has_room(data_dir: Path) -> None:
    """Raises CannotStart when the disk of the data folder is nearly full."""
    free = shutil.disk_usage(data_dir).free
    if free < ROOM:
        raise CannotStart(
            f"The disk of {data_dir} has {free // 2**20} MB left, and TLOI needs {ROOM // 2**20} MB to start; make "
            "room, or set TLOI_DATA_DIR to another disk."
        )


def port_is_free(host: str, port: int, *, setting: str = "TLOI_PORT") -> None:
    """Raises CannotStart when a server whose port `setting` says could not listen there."""
    reason = ports.why_not(host, port)
    if reason == "in use":
        raise CannotStart(f"Port {port} on {host} is in use by another program; set {setting} to a free one.")
    if reason:
        raise CannotStart(f"TLOI cannot listen on {host} port {port} ({reason}); set TLOI_HOST and {setting}.")
