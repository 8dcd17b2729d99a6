"""A real `tloi up` in a data folder of its own, for tests that kill parts of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import folder_for_servers
from tloi_site.embedded import orphans, ports, servers, site

READY_S = 60.0


class Site:
    """One `tloi up`: `folder` holds its data folder, `port` is that of its pages."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data_dir = folder / "data"
        self.port = ports.free_port()
        ours = {name for name in os.environ if name.startswith("TLOI_")} | set(servers.ADDRESSES)
        self.environment = {name: value for name, value in os.environ.items() if name not in ours}
        self.environment |= {"TLOI_DATA_DIR": str(self.data_dir), "TLOI_PORT": str(self.port)}
        self.environment |= {"TLOI_GATEWAY_PORT": str(ports.free_port())} | settings
        self.printed = folder / "printed"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.printed.open("ab") as out:
            return subprocess.Popen(
                self._words("up"), env=self.environment, stdout=out, stderr=subprocess.STDOUT, cwd=site.ROOT
            )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command with the same settings, to its end."""
        return subprocess.run(
            self._words(*words),
            env=self.environment,
            cwd=site.ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start_again(self) -> None:
        """`tloi up` once more, when it has ended."""
        self.printed.write_text("")
        self.process = self._start()

    @property
    def address(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        """Whether `/readyz` says 200."""
        try:
            with urllib.request.urlopen(f"{self.address}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def wait_until_ready(self) -> None:
        """Until the block with the address is printed. Fails with what was printed instead."""
        printed = within(READY_S, lambda: "TLOI is ready" in self.text() or self.process.poll() is not None)
        assert printed is not None, f"not ready after {READY_S} s: {self.text()}"
        assert self.process.poll() is None, self.text()

    def text(self) -> str:
        """What `up` printed so far."""
        return self.printed.read_text()

    def found(self, pattern: str) -> str:
        """The first group of the first match in what was printed."""
        match = re.search(pattern, self.text())
        assert match, f"{pattern} is not in {self.text()}"
        return match[1]

    def child(self, name: str) -> int:
        """The process id of web, worker, beat, postgres, broker or cache; 0 while there is none."""
        try:
            return int((self.data_dir / "run" / name).read_text().split()[0])
        except (FileNotFoundError, IndexError):
            return 0

    def stop(self) -> float:
        """Ctrl-C; the seconds until it has ended."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        return time.monotonic() - began

    def _words(self, *words: str) -> list[str]:
        return [sys.executable, str(site.ROOT / "manage.py"), *words]


@contextmanager
def running(**settings: str) -> Iterator[Site]:
    """A site that is ready; whatever is left of it afterwards is ended."""
    with folder_for_servers() as folder:
        here = Site(folder, **settings)
        try:
            here.wait_until_ready()
            yield here
        finally:
            if here.process.poll() is None:
                here.stop()
            if (run := here.data_dir / "run").exists():
                orphans.end_noted(run)


def within(seconds: float, holds: Callable[[], bool]) -> float | None:
    """How many seconds it took until something held; None: it did not in time."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            return None
        time.sleep(0.05)
    return time.monotonic() - began


def descendants(pid: int) -> set[int]:
    """The processes that descend from one, itself included (Linux)."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, size = {pid}, 0
    while len(found) > size:
        size = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return found
