"""Who owns the servers of a data folder, who else uses them, and where they are.

The owner holds `owner.lock`; every other command that uses the servers shares `users.lock`. The kernel drops both
with the process, however it ends. An owner that lives only for one command waits for the users before it stops.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tloi_site.embedded import CannotStart
from tloi_site.embedded.private_files import write_private

PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Running:
    """What an owner says about itself: `addresses` by the names of the settings, empty until they answer."""

    pid: int
    command: str
    web: str = ""
    addresses: dict[str, str] = field(default_factory=dict)


class Lock:
    """An advisory lock on a file, held until `release` or the end of the process; children do not inherit it."""

    def __init__(self, file: Path) -> None:
        self._handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)

    def take(self, *, shared: bool = False, wait: bool = False) -> bool:
        """Whether the lock is held now."""
        try:
            fcntl.flock(self._handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let go."""
        os.close(self._handle)


@dataclass(frozen=True, slots=True)
class Owner:
    """The right to start and stop the servers of `data_dir`."""

    data_dir: Path
    command: str
    lock: Lock

    def publish(self, addresses: dict[str, str], web: str = "") -> None:
        """Tell other commands where the servers are."""
        state = Running(os.getpid(), self.command, web, addresses)
        write_private(_state_file(self.data_dir), json.dumps(asdict(state), indent=1) + "\n")

    def wait_for_users(self, say: Callable[[str], None]) -> None:
        """Return when no other command uses the servers, and let no new one begin."""
        users = Lock(self.data_dir / "users.lock")
        if not users.take():
            say("Other TLOI commands use the same servers; waiting for them to end.")
            users.take(wait=True)
        _state_file(self.data_dir).unlink(missing_ok=True)
        users.release()

    def __enter__(self) -> Owner:
        return self

    def __exit__(self, *_: object) -> None:
        """Give the right up, when the servers have stopped."""
        _state_file(self.data_dir).unlink(missing_ok=True)
        self.lock.release()


@dataclass(frozen=True, slots=True)
class User:
    """The right to use the servers that somebody else owns."""

    running: Running
    lock: Lock

    def __enter__(self) -> User:
        return self

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def own(data_dir: Path, command: str, say: Callable[[str], None]) -> Owner:
    """Become the owner for `tloi up`, after waiting for an owner that lives for one command. Raises CannotStart."""
    spoken, deadline = False, time.monotonic() + PATIENCE_S
    while (owner := _try_to_own(data_dir, command)) is None:
        other = running(data_dir)
        if other and other.command == "up":
            raise CannotStart(f"TLOI already runs here (pid {other.pid}) at {other.web}.")
        if other and not spoken:
            spoken = True
            say(f"`tloi {other.command}` (pid {other.pid}) uses this data folder; waiting for it to end.")
        if time.monotonic() > deadline:
            raise CannotStart("Another TLOI command still uses this data folder; try again when it has ended.")
        time.sleep(0.1)
    return owner


def own_or_use(data_dir: Path, command: str) -> Owner | User:
    """Use the servers that run, else become their owner. Raises CannotStart when they never come up."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        users = Lock(data_dir / "users.lock")
        users.take(shared=True, wait=True)
        if owner := _try_to_own(data_dir, command):
            users.release()
            return owner
        other = running(data_dir)
        if other and other.addresses:
            return User(other, users)
        users.release()
        if time.monotonic() > deadline:
            raise CannotStart(f"The servers of {data_dir} are being started or stopped, but do not get ready.")
        time.sleep(0.1)


def running(data_dir: Path) -> Running | None:
    """What the owner published; None: nothing, or not yet. Without an owner it may be the word of a killed one."""
    try:
        return Running(**json.loads(_state_file(data_dir).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _try_to_own(data_dir: Path, command: str) -> Owner | None:
    lock = Lock(data_dir / "owner.lock")
    if not lock.take():
        lock.release()
        return None
    owner = Owner(data_dir, command, lock)
    owner.publish({})
    return owner


def _state_file(data_dir: Path) -> Path:
    return data_dir / "servers.json"
