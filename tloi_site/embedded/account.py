"""Under which account PostgreSQL runs: it refuses to run as root, so root lends it an unprivileged one."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from tloi_site.embedded import CannotStart

CANDIDATES = ("postgres", "nobody")


class Identity(TypedDict, total=False):
    """The arguments of `subprocess.Popen` that change who runs the program."""

    user: int
    group: int
    extra_groups: Sequence[int]


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine that root can run a program as."""

    name: str
    uid: int
    gid: int

    @property
    def identity(self) -> Identity:
        """How `subprocess` is told."""
        return {"user": self.uid, "group": self.gid, "extra_groups": ()}

    def can_run(self, program: Path) -> bool:
        """Whether the account reaches `program` and the libraries beside it."""
        return self._succeeds([str(program), "--version"])

    def can_enter(self, folder: Path) -> bool:
        """Whether the account may pass through `folder` and every folder above it."""
        return self._succeeds(["/bin/sh", "-c", 'test -x "$0"', str(folder)])

    def _succeeds(self, command: list[str]) -> bool:
        try:
            done = subprocess.run(command, cwd="/", capture_output=True, check=False, **self.identity)
        except OSError:
            return False
        return done.returncode == 0


def account_for(data: Path) -> Account | None:
    """Who must run PostgreSQL on the data folder `data`; None: whoever runs this process.

    Data that exists belongs to the account that made it. Raises CannotStart.
    """
    owner = data.stat().st_uid if data.exists() else None
    me = os.geteuid()
    if me != 0:
        if owner not in (None, me):
            raise CannotStart(f"{data} belongs to user {owner}, so only that user, or root, can start its PostgreSQL.")
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if owner in (None, entry.pw_uid):
            return Account(name, entry.pw_uid, entry.pw_gid)
    if owner is not None:
        raise CannotStart(f"{data} belongs to user {owner}, but for root PostgreSQL runs as {' or '.join(CANDIDATES)}.")
    raise CannotStart(
        "PostgreSQL does not run as root, and this machine has neither a `postgres` nor a `nobody` account; "
        "run TLOI as an ordinary user."
    )
