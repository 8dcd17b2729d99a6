"""The private PostgreSQL: made with a random password, started on 127.0.0.1, and never by `pg_ctl`.

`pg_ctl` gives up after a fixed time, while the recovery from a crash takes what it takes; so the server is a child
in the foreground. It listens on TCP only, asks everybody for a SCRAM password, and keeps data checksums.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

from tloi_site.embedded import CannotStart, orphans
from tloi_site.embedded.child import Service
from tloi_site.embedded.ports import free_port
from tloi_site.embedded.postgres_home import Home, data_major, settle
from tloi_site.embedded.private_files import write_private

NAME = "tloi"  # of the role and of the database
MIB = 2**20


def prepare(data_dir: Path, *, connections: int, say: Callable[[str], None]) -> tuple[Service, str]:
    """The PostgreSQL of a TLOI data folder, made if it is new, and its address. Raises CannotStart."""
    home = settle(data_dir, say)
    password_file = data_dir / "postgres-password"
    if data_major(home.data) is None:
        write_private(password_file, secrets.token_urlsafe(32))
        _make(home, password_file.read_text(), data_dir)
    elif not password_file.exists():
        raise CannotStart(f"{password_file} is gone, and without it nobody can log in to {home.data}; put it back.")
    _clear_lock_file(home.data)
    port = free_port()
    address = f"postgresql://{NAME}:{password_file.read_text().strip()}@127.0.0.1:{port}/{NAME}"
    settings = [f"--{name}={value}" for name, value in _settings(home.data, port, connections)]
    service = Service(
        name="postgres",
        command=(str(home.programs / "postgres"), "-D", str(home.data), *settings),
        log=data_dir / "postgres.log",
        folder=home.data,
        is_ready=lambda: _answers(port),
        tier="server",
        stop_signal=signal.SIGINT,  # fast: ends sessions, then writes a checkpoint
        last_signal=signal.SIGQUIT,  # at once: the next start recovers
        environment=_environment(),
        account=home.account,
        disks=(home.data, home.data / "pg_wal"),
        retry_s=10,  # after a crash, old sessions may hold the shared memory for some seconds
    )
    return service, address


def _settings(data: Path, port: int, connections: int) -> list[tuple[str, str]]:
    """Run-time settings; what is not here is PostgreSQL's default, which keeps every acknowledged commit."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    shared = min(max(memory // 8, 128 * MIB), 256 * MIB)  # each GB costs 22 MB before anything is in it
    room = min(shutil.disk_usage(folder).free for folder in (data, data / "pg_wal"))  # they may be two disks
    log = max(min(room // 10, 4096 * MIB), 256 * MIB)
    return [
        ("listen_addresses", "127.0.0.1"),
        ("port", str(port)),
        ("unix_socket_directories", ""),
        ("max_connections", str(connections)),
        ("shared_buffers", f"{shared // MIB}MB"),
        ("wal_buffers", "2MB"),  # it fills whatever it is given, and more of it writes no faster
        ("io_workers", str(max(1, min(3, (os.cpu_count() or 1) // 2)))),  # each is a process of a megabyte
        ("io_max_concurrency", "16"),  # of one session; of 64, its default, the table alone is 4 MB
        ("max_wal_size", f"{log // MIB}MB"),
        ("wal_compression", "on"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        ("jit", "off"),
        ("max_logical_replication_workers", "0"),  # nobody subscribes, and one process waits for that
    ]


def _make(home: Home, password: str, data_dir: Path) -> None:
    """Make a new cluster beside its final place, so that an interrupted start leaves no half of one."""
    half = home.data.with_name("postgres.half")
    password_file = home.data.with_name("postgres.password")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(mode=0o700)
    write_private(password_file, password)
    if home.account:
        for path in (half, password_file):
            os.chown(path, home.account.uid, home.account.gid)
    locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if home.major >= 17 else ()
    command = (
        *(home.programs / "initdb", "-D", half, "--username", NAME, "--pwfile", password_file),
        *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", *locale, "--data-checksums"),
    )
    try:
        _run(home, half, *map(str, command))
        alone = (str(home.programs / "postgres"), "--single", "-D", str(half), "postgres")  # before it is a server
        _run(home, half, *alone, told=f"CREATE DATABASE {NAME}\n")
    finally:
        password_file.unlink()
    half.rename(home.data)
    if home.data.parent != data_dir:
        (data_dir / "postgres").symlink_to(home.data)


def _run(home: Home, half: Path, *command: str, told: str = "") -> None:
    """Run a program of PostgreSQL on the folder `half` to its end. Raises CannotStart with what it says."""
    done = subprocess.run(
        command,
        cwd=half,
        env=_environment(),
        input=told,
        capture_output=True,
        text=True,
        check=False,
        **(home.account.identity if home.account else {}),
    )
    if done.returncode or "ERROR:" in done.stderr:  # alone, a failed statement changes no exit code
        raise CannotStart(f"PostgreSQL cannot make its data folder {half}: {done.stderr.strip()}")


def _environment() -> dict[str, str]:
    """No PG* variable of the user's reaches the server, and its messages can be read by a program."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _clear_lock_file(data: Path) -> None:
    """End a server that outlived its supervisor; drop a lock file whose process id belongs to somebody else now."""
    lock_file = data / "postmaster.pid"
    if not lock_file.exists():
        return
    pid = lock_file.read_text().partition("\n")[0].strip()
    if not pid.isdigit() or not orphans.is_running(int(pid)):
        return  # PostgreSQL itself knows a stale one
    if str(data) in orphans.command_line(int(pid)):
        orphans.end(int(pid), signal.SIGINT)
    else:
        lock_file.unlink()


def _answers(port: int) -> bool:
    """Whether the server takes logins: then it answers the first message with the question for a password, before
    that with an error. Source: PostgreSQL's protocol 3.0, StartupMessage."""
    words = f"user\0{NAME}\0database\0{NAME}\0\0".encode()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(struct.pack("!ii", 8 + len(words), 3 << 16) + words)
            return connection.recv(1024)[:1] == b"R"
    except OSError:
        return False
