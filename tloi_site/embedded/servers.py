"""The three servers that TLOI stands on: the operator's where an address is set, else private ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tloi_site import env
from tloi_site.embedded import orphans, postgres, sharing, valkey
from tloi_site.embedded.private_files import open_data_dir
from tloi_site.embedded.supervisor import Supervisor

ADDRESSES = ("DATABASE_URL", "REDIS_URL", "CACHE_URL")


def unset() -> list[str]:
    """The addresses that the operator left to us."""
    return [name for name in ADDRESSES if not env.text(name)]


def start_unset(supervisor: Supervisor, data_dir: Path, say: Callable[[str], None]) -> None:
    """Start a private server for each unset address, and set the address in this process's environment.

    Raises CannotStart. The data folder must be open, and this process its only owner.
    """
    orphans.end_noted(data_dir / "run")
    makers = {
        "DATABASE_URL": lambda: postgres.prepare(data_dir, connections=_connections(), say=say),
        "REDIS_URL": lambda: valkey.broker(data_dir),
        "CACHE_URL": lambda: valkey.cache(data_dir),
    }
    for name in unset():
        service, address = makers[name]()
        supervisor.start(service)
        os.environ[name] = address


def addresses() -> dict[str, str]:
    """The three addresses as this process uses them."""
    return {name: env.text(name) for name in ADDRESSES}


@contextmanager
def for_one_command(data_dir: Path, command: str, say: Callable[[str], None]) -> Iterator[sharing.Owner | None]:
    """Inside, all three addresses are set: to servers that run already (None), else to ones started meanwhile.

    The owner must `publish` when others may use its servers too. Raises CannotStart.
    """
    open_data_dir(data_dir)
    with sharing.own_or_use(data_dir, command) as role:
        if isinstance(role, sharing.User):
            os.environ.update({name: role.running.addresses[name] for name in unset()})
            yield None
            return
        with private(data_dir, say):
            try:
                yield role
            finally:
                role.wait_for_users(say)


@contextmanager
def private(data_dir: Path, say: Callable[[str], None]) -> Iterator[Supervisor]:
    """Inside, a private server runs for each address that was unset, and the addresses are set."""
    before = {name: os.environ.get(name) for name in ADDRESSES}
    supervisor = Supervisor(data_dir / "run", say)
    try:
        start_unset(supervisor, data_dir, say)
        yield supervisor
    finally:
        supervisor.stop()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _connections() -> int:
    """What the web processes may open (settings.DATABASES), with room for the worker, commands and a person."""
    threads = env.integer("TLOI_WEB_THREADS", low=1, high=64)
    return max(100, web_workers() * 2 * threads + 40)


def web_workers() -> int:
    """How many web processes there are: TLOI_WEB_WORKERS, else one a core, two at least."""
    return env.integer("TLOI_WEB_WORKERS", low=0, high=256) or max(os.cpu_count() or 1, 2)
