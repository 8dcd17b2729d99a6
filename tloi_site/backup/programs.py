"""The programs of PostgreSQL that dump and restore: which are installed, and which fits a server.

pg_dump refuses a server newer than itself, so the one of the server's own version is taken, else the next newer.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tloi_site.backup import BackupError
from tloi_site.backup.database import Database
from tloi_site.embedded.child import dies_with
from tloi_site.embedded.postgres_home import installed

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_WORDS = 500


@dataclass(frozen=True, slots=True)
class Program:
    """An installed program and the major version of PostgreSQL that it came with."""

    path: Path
    major: int


def find(name: str, *, major: int) -> Program:
    """The program `name` of major version `major`, else of the next newer one. Raises BackupError."""
    found = {version: path for path in reversed(list(_candidates(name))) if (version := _major(path))}
    if fitting := [version for version in found if version >= major]:
        return Program(found[min(fitting)], min(fitting))
    if found:
        raise BackupError(
            f"PostgreSQL {major} needs a {name} of version {major} or newer, but the newest here is {max(found)} "
            f"({found[max(found)]}); install PostgreSQL's client programs of version {major}."
        )
    raise BackupError(f"There is no {name} here; install PostgreSQL's client programs of version {major} or newer.")


@contextmanager
def running(command: Sequence[str | Path], database: Database, errors: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A program that works on `database` and ends with this process, or when what is inside ends too early."""
    process = subprocess.Popen(
        [str(word) for word in command],
        env=database.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        preexec_fn=dies_with(os.getpid(), signal.SIGTERM),  # noqa: PLW1509 (no lock is taken in it)
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def last_words(errors: IO[bytes]) -> str:
    """The end of what a program complained of, on one line."""
    return "; ".join(words(errors))[-_WORDS:]


def words(errors: IO[bytes]) -> list[str]:
    """What a program complained of, line by line."""
    errors.seek(0)
    lines = errors.read().decode(errors="replace").split("\n")
    return [line.strip() for line in lines if line.strip()]


def _candidates(name: str) -> Iterator[Path]:
    """The wheel's first, then those of the system, then the one that a shell would run."""
    for folder in installed():
        yield folder / name
    if on_path := shutil.which(name):
        yield Path(on_path)


def _major(program: Path) -> int | None:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    version = _VERSION.search(done.stdout)
    return int(version[1]) if version else None
