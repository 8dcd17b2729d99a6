"""The private PostgreSQL keeps what it acknowledged, and lets in nobody without the password."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.servers import folder_for_servers
from tloi_site.embedded import CannotStart, orphans, postgres
from tloi_site.embedded.private_files import open_data_dir
from tloi_site.embedded.supervisor import Supervisor


@contextmanager
def running(data_dir: Path) -> Iterator[str]:
    """A server on the folder; its address."""
    supervisor = Supervisor(data_dir / "run", print)
    service, address = postgres.prepare(data_dir, connections=20, say=print)
    try:
        supervisor.start(service)
        yield address
    finally:
        supervisor.stop()


@pytest.fixture(scope="module")
def new() -> Iterator[tuple[Path, str]]:
    """A new data folder and the address of its server, for those who only look: to make one takes seconds."""
    with folder_for_servers() as folder:
        open_data_dir(folder)
        with running(folder) as address:
            yield folder, address


def ask(address: str, query: str) -> object:
    """The first column of the first row."""
    with psycopg.connect(address) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def test_a_new_server_keeps_every_acknowledged_commit(new: tuple[Path, str]) -> None:
    _, address = new
    settings = ("fsync", "full_page_writes", "synchronous_commit", "data_checksums", "wal_compression")
    assert [ask(address, f"SHOW {name}") for name in settings] == ["on", "on", "on", "on", "pglz"]
    assert ask(address, "SHOW timezone") == "UTC"
    assert ask(address, "SHOW server_encoding") == "UTF8"
    assert ask(address, "SHOW password_encryption") == "scram-sha-256"


def test_text_sorts_the_same_on_every_machine(new: tuple[Path, str]) -> None:
    _, address = new
    assert ask(address, "SELECT string_agg(x, '' ORDER BY x) FROM unnest('{b,B,a,É,é}'::text[]) x") == "BabÉé"
    assert ask(address, "SELECT upper('é')") == "É"


def test_data_survive_a_restart(data_dir: Path) -> None:
    with running(data_dir) as address, psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with running(data_dir) as address:
        assert ask(address, "SELECT answer FROM kept") == 42


@pytest.mark.parametrize("password", ["", "wrong"])
def test_nobody_logs_in_without_the_password(new: tuple[Path, str], password: str) -> None:
    port = urlsplit(new[1]).port
    for database in ("tloi", "postgres"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://tloi:{password}@127.0.0.1:{port}/{database}")


@pytest.mark.skipif(sys.platform != "linux", reason="reads the kernel's table of sockets")
def test_it_listens_on_loopback_only(new: tuple[Path, str]) -> None:
    _, address = new
    port = f"{urlsplit(address).port:04X}"
    tables = (Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()).splitlines()
    listening = {row.split()[1] for row in tables if row.split()[3] == "0A"}
    assert {place for place in listening if place.endswith(f":{port}")} == {f"0100007F:{port}"}
    assert ask(address, "SHOW unix_socket_directories") == ""


def test_the_password_is_in_no_command_line_and_in_no_file_that_others_read(new: tuple[Path, str]) -> None:
    folder, address = new
    password = urlsplit(address).password
    assert password
    assert (folder / "postgres-password").read_text() == password
    assert (folder / "postgres-password").stat().st_mode & 0o077 == 0
    assert (folder / "postgres").stat().st_mode & 0o077 == 0
    assert password not in orphans.command_line(pid_of(folder))
    assert password not in (folder / "postgres.log").read_text()


def test_data_of_another_major_version_are_refused_with_the_way_to_move_them(data_dir: Path) -> None:
    with running(data_dir):
        pass
    (data_dir / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(
        CannotStart, match=r"was made by PostgreSQL 9, but this TLOI brings PostgreSQL 1\d.*tloi restore FILE"
    ):
        postgres.prepare(data_dir, connections=20, say=print)


def test_a_lost_password_is_said_plainly(data_dir: Path) -> None:
    with running(data_dir):
        pass
    (data_dir / "postgres-password").unlink()
    with pytest.raises(CannotStart, match="postgres-password is gone"):
        postgres.prepare(data_dir, connections=20, say=print)


def test_a_half_made_folder_is_made_again(data_dir: Path) -> None:
    half = data_dir / "postgres.half"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with running(data_dir) as address:
        assert ask(address, "SELECT 1") == 1
    assert not half.exists()


def test_a_server_that_outlived_its_supervisor_gives_way_to_the_next(data_dir: Path) -> None:
    lost = Supervisor(data_dir / "run", print)
    service, _ = postgres.prepare(data_dir, connections=20, say=print)
    lost.start(service)
    orphan = pid_of(data_dir)
    with running(data_dir) as address:
        assert ask(address, "SELECT 1") == 1
        assert not orphans.is_running(orphan)
    lost.stop()


def test_a_lock_file_that_names_somebody_elses_process_is_no_obstacle(data_dir: Path) -> None:
    with running(data_dir):
        lock_file = (data_dir / "postgres" / "postmaster.pid").read_text()
    lines = lock_file.splitlines()
    (data_dir / "postgres" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with running(data_dir) as address:
        assert ask(address, "SELECT 1") == 1


def test_a_killed_server_comes_back_with_its_data(data_dir: Path) -> None:
    supervisor = Supervisor(data_dir / "run", print)
    service, address = postgres.prepare(data_dir, connections=20, say=print)
    supervisor.start(service)
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(pid_of(data_dir), signal.SIGKILL)
    supervisor.stop()
    with running(data_dir) as address:
        assert ask(address, "SELECT answer FROM kept") == 42


def pid_of(data_dir: Path) -> int:
    """The process id of the server."""
    return int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])
