"""A whole site a database, as `tloi up` starts one: web, worker and beat, each with a queue and a cache of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks import harness


@dataclass(frozen=True, slots=True)
class Site:
    """A running site: its database, its address, and the cookie of its owner."""

    place: harness.Instance
    address: str
    cookie: str


@contextmanager
def site(place: harness.Instance, *, number: int) -> Iterator[Site]:
    """The processes of a site on the database of `place`; `number`, from 1 on, that of its queue and cache."""
    from tloi_site.embedded import site as processes

    folder = place.folder / f"site-{number}"
    folder.mkdir(exist_ok=True)
    environment = {"DATABASE_URL": place.dsn}
    for name in ("REDIS_URL", "CACHE_URL"):
        environment[name] = os.environ[name].rpartition("/")[0] + f"/{number}"
    with ExitStack() as stack:
        for service in (processes.worker(folder), processes.beat(folder)):
            stack.enter_context(_running(service.command, environment))
        address = stack.enter_context(harness.web("tloi_site.wsgi:application", environment=environment))
        harness.use(place)
        yield Site(place, address, harness.log_in(address))


@contextmanager
def _running(command: tuple[str, ...], environment: dict[str, str]) -> Iterator[None]:
    silent = subprocess.DEVNULL  # the worker says good-bye on the standard output, where the figures are
    process = subprocess.Popen(command, cwd=harness.ROOT, env=os.environ | environment, stdout=silent, stderr=silent)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
