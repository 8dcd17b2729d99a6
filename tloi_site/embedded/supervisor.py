"""Starts services, starts again those that die, and stops all of them within a fixed time."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from tloi_site.embedded import CannotStart, forking
from tloi_site.embedded.child import Child, Service
from tloi_site.embedded.stopping import held

POLL_S = 0.05  # while something starts
WATCH_S = 5.0  # between looks; the death of a child wakes at once
LONG_S = 5.0  # a start that takes longer is spoken of
SITE_STOP_S, STOP_S = 2.5, 4.5  # for the site, and for everything: Ctrl-C promises 5 s
STEADY_S = 20.0  # a process that lived this long is started again at once
LONGEST_PAUSE_S = 5.0
LEAST_ROOM = 16 * 2**20  # bytes: one more file of PostgreSQL's log


class Supervisor:
    """The parent of the services. Start them from the main thread: a child dies with the thread that started it.

    `notes` is the folder in which the children's process ids are kept for the case that this process is killed.
    """

    def __init__(self, notes: Path, say: Callable[[str], None]) -> None:
        self._notes = notes
        self._say = say
        self._children: list[Child] = []
        self._pauses: dict[str, tuple[float, float]] = {}  # name: not before (monotonic), pause that follows
        self._said: dict[str, set[str]] = {}  # name: what was said since it last lived for a while

    def start(self, service: Service, *, wait: bool = True, patience_s: float | None = None) -> None:
        """Start a service and wait until it is ready; `patience_s` None: as long as it lives. Raises CannotStart."""
        with held():
            child = Child(service, self._notes)
            self._children.append(child)
        if wait:
            self._wait_until_ready(child, patience_s)

    def start_together(self, services: Sequence[Service], *, folder: Path, patience_s: float) -> None:
        """Start services in processes that share what they load, and wait for each until it is ready; `folder` is where
        it is loaded from. Raises CannotStart."""
        forked = forking.launch(services, folder)
        with held():
            children = [Child(service, self._notes, forked.get(service.name)) for service in services]
            self._children += children
        for child in children:
            self._wait_until_ready(child, patience_s)

    def watch(self) -> NoReturn:
        """Start again whatever dies, until a signal raises Stopped."""
        with woken_by_children() as wait:
            while True:
                for child in self._children:
                    if not child.is_running:
                        self._revive(child)
                wait(self._next_look() - time.monotonic())

    def stop(self) -> None:
        """Stop the site, then the servers; what does not end in time is killed. Never raises."""
        began = time.monotonic()
        for tier, deadline in (("site", began + SITE_STOP_S), ("server", began + STOP_S)):
            children = [child for child in self._children if child.service.tier == tier]
            for child in children:
                child.signal(child.service.stop_signal)
            for child in children:
                if not child.wait(deadline - time.monotonic()):
                    child.signal(child.service.last_signal)
                    child.wait(0.3)
                child.clear()
        self._children.clear()

    def _wait_until_ready(self, child: Child, patience_s: float | None) -> None:
        began, service, spoken = child.started, child.service, False
        while not service.is_ready():
            waited = time.monotonic() - began
            if not child.is_running:
                if waited > service.retry_s:
                    raise CannotStart(f"{service.name} ended while it started. {child.last_words()}")
                child.clear()
                time.sleep(0.5)
                child.start()
            if patience_s is not None and waited > patience_s:
                raise CannotStart(f"{service.name} was not ready after {patience_s:.0f} s. {child.last_words()}")
            if waited > LONG_S and not spoken:
                spoken = True
                self._say(f"{service.name} is still starting; after a crash it first repairs its data.")
            time.sleep(POLL_S)

    def _next_look(self) -> float:
        """When something is to be done even if nothing happens (time.monotonic())."""
        gone = (child.service.name for child in self._children if not child.is_running)
        waiting = (self._pauses.get(name, (0.0, 0.0))[0] for name in gone)
        return min(waiting, default=time.monotonic() + WATCH_S)

    def _revive(self, child: Child) -> None:
        """Clear away and start again, with growing pauses when a process keeps dying."""
        now, name = time.monotonic(), child.service.name
        not_before, pause = self._pauses.get(name, (0.0, 0.0))
        if now < not_before:
            return
        if now - child.started > STEADY_S:
            pause = 0.0
            self._said.pop(name, None)
        self._say_once(name, _why(child))
        child.clear()
        try:
            child.start()
        except CannotStart as error:
            self._say_once(name, str(error))
        pause = min(max(2 * pause, 0.25), LONGEST_PAUSE_S)
        self._pauses[name] = (now + pause, pause)

    def _say_once(self, name: str, sentence: str) -> None:
        """Say nothing twice of a process that keeps dying."""
        said = self._said.setdefault(name, set())
        if sentence not in said:
            said.add(sentence)
            self._say(sentence)


def _why(child: Child) -> str:
    """Why a process ended, and what happens now; a full disk is named, since only a person can help."""
    name = child.service.name
    for folder in child.service.disks:
        with contextlib.suppress(OSError):  # a folder that is gone is told by the process that needs it
            if shutil.disk_usage(folder).free < LEAST_ROOM:
                return f"{name} ended, for the disk of {folder} is full; it starts again as soon as there is room."
    return f"{name} ended ({_how(child)}); starting it again."


def _how(child: Child) -> str:
    code = child.process.returncode or 0
    return f"signal {-code}" if code < 0 else f"exit code {code}, see {child.service.log}"


@contextmanager
def woken_by_children() -> Iterator[Callable[[float], None]]:
    """Inside, a function that waits so many seconds, or until a child of this process ends, since it last returned."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)

    def wait(seconds: float) -> None:
        if select.select([read], [], [], max(seconds, 0))[0]:
            os.read(read, 1024)

    handler, waker = signal.signal(signal.SIGCHLD, lambda *_: None), signal.set_wakeup_fd(write)
    try:
        yield wait
    finally:
        signal.set_wakeup_fd(waker)
        signal.signal(signal.SIGCHLD, handler)
        os.close(read)
        os.close(write)
