"""Services forked from one process that has loaded what all of them need, so that they share its memory (Linux).

    up ──starts──▶ launcher: loads, forks each service, prints their ids, ends
     ◀── the services are up's own children from then on, as if it had started them itself

A process that does not end would hold a copy of what the others change. What dies later is started by its own command.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TypedDict

from tloi_site.embedded import CannotStart
from tloi_site.embedded.child import Service, dies_with, libc, open_log

PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 15, 36
LAUNCHER = "tloi_site.siblings"


class Order(TypedDict):
    """What the launcher is told of a service: a module with a `main`, the words of its command line, and where its
    words go."""

    name: str
    module: str
    words: list[str]
    log: str
    stop_signal: int


class Adopted:
    """A child that another process forked; what `Child` needs of `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, as of Popen; None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, when it has ended. Raises TimeoutExpired."""
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() >= deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def launch(services: Sequence[Service], folder: Path) -> dict[str, Adopted]:
    """Fork the services that can be, by name; none where the system cannot do it. Raises CannotStart."""
    orders = [_order(service) for service in services if service.module]
    if not orders or libc is None or libc.prctl(PR_SET_CHILD_SUBREAPER, 1) != 0:
        return {}
    launcher = subprocess.Popen(
        [sys.executable, "-m", LAUNCHER],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        said, complaint = launcher.communicate(json.dumps(orders).encode())
    except BaseException:
        os.killpg(launcher.pid, signal.SIGKILL)  # with the forks that still wait for its end
        launcher.wait()
        raise
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0)
    if launcher.returncode:
        raise CannotStart(f"The site cannot be loaded: {complaint.decode(errors='replace').strip()}")
    return {name: Adopted(pid) for name, pid in json.loads(said).items()}


def fork_all(orders: Sequence[Order], prepare: Callable[[str], None]) -> dict[str, int]:
    """In the launcher, when all is loaded: fork each service; their ids. `prepare` is called in each with its name.
    Does not return in a fork."""
    launcher, parent = os.getpid(), os.getppid()
    pids = {}
    for order in orders:
        pids[order["name"]] = os.fork()
        if not pids[order["name"]]:
            prepare(order["name"])
            sys.exit(_become(order, launcher=launcher, parent=parent))
    return pids


def _order(service: Service) -> Order:
    return {
        "name": service.name,
        "module": service.module,
        "words": list(service.command[3:]),
        "log": str(service.log),
        "stop_signal": int(service.stop_signal),
    }


def _become(order: Order, *, launcher: int, parent: int) -> int | None:
    """Be that service, as soon as the launcher has ended; what its `main` returns."""
    with Path(os.devnull).open("rb") as nothing, open_log(Path(order["log"])) as log:
        for handle, meant in ((0, nothing), (1, log), (2, log)):
            os.dup2(meant.fileno(), handle)
    while os.getppid() == launcher:
        time.sleep(0.002)
    dies = dies_with(parent, signal.Signals(order["stop_signal"]))
    if dies is not None:
        dies()
    os.setsid()
    module = import_module(order["module"])
    sys.argv = [str(module.__file__), *order["words"]]
    _call_yourself(["python", "-m", order["module"], *order["words"]])
    code: int | None = module.main()
    return code


def _call_yourself(words: Sequence[str]) -> None:
    """For whoever lists processes: written over the words that this process was started with, as far as these reach.
    Source: proc(5), fields 48 and 49 of stat."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, room = int(fields[45]), int(fields[46]) - int(fields[45])
    plain = b"\0".join(word.encode() for word in words)[: room - 1]
    ctypes.memmove(start, plain.ljust(room, b"\0"), room)
