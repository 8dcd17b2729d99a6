"""One child process: in a session of its own, writing to a log file, and gone when its parent is gone."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass, field
from io import BufferedWriter
from pathlib import Path
from typing import Literal, Protocol

from tloi_site.embedded import CannotStart, orphans
from tloi_site.embedded.account import Account
from tloi_site.embedded.stopping import held

LARGEST_LOG = 10 * 2**20  # bytes; a longer log is set aside when its process starts
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What to run, and how to tell that it is ready.

    A `site` process uses the `server`s, so it stops before them. `retry_s`: for how long a process that dies while it
    starts is started again. `last_signal` ends what `stop_signal` did not. `disks` are folders that it cannot live
    without writing to. `module`: the command is `python -m module …`, and its `main` may be run in a fork instead.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    folder: Path
    is_ready: Callable[[], bool]
    tier: Literal["server", "site"]
    stop_signal: signal.Signals = signal.SIGTERM
    last_signal: signal.Signals = signal.SIGKILL
    environment: Mapping[str, str] | None = None
    account: Account | None = None
    retry_s: float = 0.0
    disks: tuple[Path, ...] = ()
    module: str = ""


class Process(Protocol):
    """What is needed of a child, whoever forked it; as of `subprocess.Popen`."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, when it has ended. Raises TimeoutExpired."""

    def send_signal(self, number: int, /) -> None:
        """Send a signal, if it has not ended."""


@dataclass(slots=True)
class Child:
    """A running `Service`; its process id is noted in `notes`, so that a later start finds it when it is orphaned.
    `forked`: its first process, where that runs already."""

    service: Service
    notes: Path
    forked: InitVar[Process | None] = None
    process: Process = field(init=False)
    started: float = field(init=False)  # time.monotonic()
    cleared: bool = field(init=False)

    def __post_init__(self, forked: Process | None) -> None:
        if forked is None:
            self.start()
        else:
            self._begin(forked)

    def start(self) -> None:
        """Start the process. Raises CannotStart, for instance where there is no such program, or no room for a log."""
        service = self.service
        try:
            with held(), open_log(service.log) as log:
                process = subprocess.Popen(
                    service.command,
                    cwd=service.folder,
                    env=service.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=dies_with(os.getpid(), service.stop_signal),  # noqa: PLW1509 (no lock is taken in it)
                    **(service.account.identity if service.account else {}),
                )
                self._begin(process)
        except OSError as error:
            raise CannotStart(f"{service.name} cannot be started: {error}.") from error

    def _begin(self, process: Process) -> None:
        self.process, self.started, self.cleared = process, time.monotonic(), False
        with contextlib.suppress(OSError):  # a full disk must not keep a server from coming back
            orphans.note(self.notes / self.service.name, process.pid, self.service.stop_signal)

    @property
    def is_running(self) -> bool:
        """Whether the process is still there; reaps it when it is not."""
        return self.process.poll() is None

    def signal(self, which: signal.Signals) -> None:
        """Send a signal, if the process is still there."""
        if self.is_running:
            self.process.send_signal(which)

    def wait(self, seconds: float) -> bool:
        """Wait for the process to end; whether it did."""
        try:
            self.process.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            return False
        return True

    def clear(self) -> None:
        """Kill what a process that ended, or must end now, left in its group; once, for the number is given again."""
        if self.cleared:
            return
        orphans.kill_group(self.process.pid)
        self.process.wait()
        self.cleared = True
        (self.notes / self.service.name).unlink(missing_ok=True)

    def last_words(self, lines: int = 8) -> str:
        """The end of the log, to be printed after a sentence."""
        text = self.service.log.read_text(errors="replace").splitlines()[-lines:]
        return "\n    ".join((f"The end of {self.service.log}:", *text))


def open_log(log: Path) -> BufferedWriter:
    """A log to append to, for its owner's eyes. One older is kept, so that logs cannot fill the disk over the years."""
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_name(log.name + ".1"))
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def dies_with(parent: int, how: signal.Signals = signal.SIGKILL) -> Callable[[], None] | None:
    """What a child does between fork and exec, so that it ends by itself when `parent` is killed (Linux only).

    Runs after the change of user, which would reset it. Source: prctl(2), PR_SET_PDEATHSIG.
    """
    if libc is None:
        return None

    def ask_the_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, how)
        if os.getppid() != parent:
            os._exit(1)

    return ask_the_kernel
