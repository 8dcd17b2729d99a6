"""A real streaming replica of the run's PostgreSQL, for tests of what is read from one."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.servers import folder_for_servers
from tloi_site.embedded.ports import free_port
from tloi_site.embedded.postgres_home import Home, settle

START_S = 60.0


class Replica:
    """A replica; `log` holds every statement that it was asked."""

    def __init__(self, folder: Path) -> None:
        self._home = settle(folder, print)
        self.log = folder / "replica.log"
        self._primary = os.environ["DATABASE_URL"]
        self._port = free_port()
        _copy(self._home, self._primary)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Follow the primary, and take readers."""
        with psycopg.connect(self._primary) as conn:
            (connections,) = conn.execute("SHOW max_connections").fetchone() or ("100",)
        told = {"port": self._port, "max_connections": connections, "listen_addresses": "127.0.0.1"}
        told |= {"unix_socket_directories": "", "log_statement": "all", "jit": "off"}
        words = [f"--{name}={value}" for name, value in told.items()]
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [self._home.programs / "postgres", "-D", self._home.data, *words],
                stdout=out,
                stderr=out,
                **_as(self._home),
            )
        end = time.monotonic() + START_S
        while not self._answers():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.1)

    def kill(self) -> None:
        """End it at once."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(20)

    def address(self, primary: str) -> str:
        """As DATABASE_REPLICA_URL names its copy of the database at `primary`."""
        parts = urlsplit(primary)
        return urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{self._port}"))

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def statements(self) -> list[str]:
        """What it was asked until now, a line each, without what only we asked."""
        return [line for line in self.log.read_text().splitlines() if "pg_wal_replay" not in line]

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Inside, it follows no more."""
        self._ask("SELECT pg_wal_replay_pause()")
        try:
            while self._ask("SELECT pg_get_wal_replay_pause_state()") != "paused":
                time.sleep(0.01)
            yield
        finally:
            self._ask("SELECT pg_wal_replay_resume()")

    def _ask(self, query: str) -> Any:
        with psycopg.connect(self.address(self._primary), autocommit=True) as conn:
            row = conn.execute(query).fetchone()
        return row[0] if row else None

    def _answers(self) -> bool:
        try:
            return bool(self._ask("SELECT pg_is_in_recovery()"))
        except psycopg.OperationalError:
            return False


@contextmanager
def running() -> Iterator[Replica]:
    """A replica that follows, and is ended afterwards."""
    with folder_for_servers() as folder:
        here = Replica(folder)
        try:
            yield here
        finally:
            here.kill()


def _copy(home: Home, primary: str) -> None:
    """Copy the primary, with what the copy needs to follow it."""
    home.data.mkdir(mode=0o700)
    if home.account:
        os.chown(home.data, home.account.uid, home.account.gid)
    words = ("--dbname", primary, "--pgdata", home.data, "--write-recovery-conf", "--checkpoint", "fast")
    done = subprocess.run(
        [home.programs / "pg_basebackup", *words], capture_output=True, text=True, check=False, **_as(home)
    )
    assert done.returncode == 0, done.stderr


def _as(home: Home) -> dict[str, Any]:
    """Under which account its programs run."""
    return {"cwd": home.data, "env": {"LC_ALL": "C"}, **(home.account.identity if home.account else {})}
