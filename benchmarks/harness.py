"""What every benchmark stands on: an instance of its own, HTTP clients in processes of their own, and the JSON line.

Machines are noisy, so a figure is a ratio of two things measured in turns in one run; times are only detail.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Instance:
    """A running instance: its database, its folder, and one project with a key."""

    dsn: str
    folder: Path
    project_id: int
    key: str


@contextmanager
def instance(folder: Path | None = None) -> Iterator[Instance]:
    """Private servers, migrated, with Django set up on them and a project `bench`: in a new folder that is removed at
    the end, or in `folder`, which is kept."""
    place = folder or Path(tempfile.mkdtemp(prefix="tloi-bench-", dir=os.environ.get("TLOI_BENCH_DIR")))
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o755)
    for name in ("DATABASE_URL", "REDIS_URL", "CACHE_URL"):
        os.environ.pop(name, None)
    os.environ |= {"TLOI_DATA_DIR": str(place / "data"), "DJANGO_SETTINGS_MODULE": "tloi_site.settings"}
    from tloi_site import env
    from tloi_site.embedded import servers
    from tloi_site.embedded.private_files import open_data_dir

    try:
        open_data_dir(env.data_dir())
        with servers.private(env.data_dir(), lambda sentence: None):
            import django

            django.setup()
            yield _prepared(place, os.environ["DATABASE_URL"])
    finally:
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)


def database(place: Instance, name: str) -> Instance:
    """Another database on the same server, made where it is missing, prepared like the first."""
    use(place)
    from telemetry.database import connection

    if connection().execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
        connection().execute(f"CREATE DATABASE {name}".encode())
    other = replace(place, dsn=place.dsn.rpartition("/")[0] + "/" + name)
    use(other)
    return _prepared(place.folder, other.dsn)


def use(place: Instance) -> None:
    """Let Django's connection of this process be one to the database of `place`."""
    from django.db import connections
    from django.db.backends.postgresql.base import DatabaseWrapper

    wrapper = cast(DatabaseWrapper, connections["default"])
    wrapper.close()
    wrapper.close_pool()
    wrapper.settings_dict["NAME"] = place.dsn.rpartition("/")[2]


def _prepared(folder: Path, dsn: str) -> Instance:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from telemetry import facade

    facade.ensure_owner()
    project = facade.ensure_project(slug="bench")
    key = facade.create_key(project_slug="bench", name="bench", scopes=["ingest", "read"])
    return Instance(dsn, folder, project.id, key)


@contextmanager
def web(
    application: str, *, workers: int = 2, threads: int = 4, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Granian on a free port, as `tloi up` starts it; its address. `application` is module:name, `environment` what
    differs from ours."""
    port = free_port()
    server = "tloi_site.web" if application.startswith("tloi_site.") else "granian"
    command = [sys.executable, "-m", server, application, "--interface", "wsgi", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", str(workers), "--blocking-threads", str(threads), "--no-ws"]
    command += ["--loop", "asyncio"]
    surroundings = os.environ | (environment or {})
    process = subprocess.Popen([*command, "--log-level", "warning"], cwd=ROOT, env=surroundings)
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def wait_for(port: int, process: subprocess.Popen[bytes], *, seconds: float = 60) -> None:
    """Wait until a web server answers anything. Raises RuntimeError where it ends, or does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("the web server ended before it answered")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the web server did not answer within {seconds} s")


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def post_all(address: str, path: str, headers: Mapping[str, str], bodies: Sequence[bytes], *, clients: int) -> float:
    """Seconds that `clients` processes need to post all bodies, each on a connection of its own, as hooks and command
    lines send; kept connections would stay with the web process that took them. Each client takes the next body that
    nobody has taken, so that none is left alone at the end. Every answer must be 200 or 201."""
    context = multiprocessing.get_context("fork")
    start = context.Event()
    ready, taken = context.Semaphore(0), context.Value("i", 0)
    sending = (address, path, headers, bodies, taken, ready, start)
    workers = [context.Process(target=_client, args=sending) for _ in range(clients)]
    for worker in workers:
        worker.start()
    for _ in workers:
        ready.acquire()
    began = time.perf_counter()
    start.set()
    for worker in workers:
        worker.join()
    took = time.perf_counter() - began
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a client was not answered 200")
    return took


def _client(
    address: str, path: str, headers: Mapping[str, str], bodies: Sequence[bytes], taken: Any, ready: Any, start: Any
) -> None:
    parts = urlsplit(address)
    ready.release()
    start.wait()
    while True:
        with taken.get_lock():
            place, taken.value = taken.value, taken.value + 1
        if place >= len(bodies):
            return
        body = bodies[place]
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status not in (200, 201):
            sys.stderr.write(f"{answer.status} {text[:300]!r}\n")
            sys.exit(1)


def log_in(address: str) -> str:
    """The cookie of the owner, logged in at `address`, whose database Django uses in this process."""
    from telemetry import facade

    token = facade.make_login_link(user_id=facade.ensure_owner(), now=datetime.now(UTC))
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.request("GET", f"/login/?token={token}")
    answer = connection.getresponse()
    cookies = [value for name, value in answer.getheaders() if name.lower() == "set-cookie" and "session" in value]
    return cookies[0].split(";", maxsplit=1)[0]


def get(address: str, path: str, cookie: str) -> bytes:
    """A page's body as gzip, by a connection of its own. Raises RuntimeError where the answer is not 200."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.request("GET", path, headers={"Cookie": cookie, "Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")
    return body


def in_turns(rounds: int, *measures: Callable[[int], float]) -> list[list[float]]:
    """Each measure once a round, A B A B …; the figures of each measure."""
    figures: list[list[float]] = [[] for _ in measures]
    for number in range(rounds):
        for place, measure in enumerate(measures):
            figures[place].append(measure(number))
    return figures


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """The median of the ratios pair by pair."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))


def report(
    bench: str, ratio: float, *, at_least: float | None = None, at_most: float | None = None, **detail: Any
) -> None:
    """Print the figure as one JSON line."""
    bar = at_least if at_least is not None else at_most
    holds = bar is None or (ratio >= bar if at_least is not None else ratio <= bar)
    line = {"bench": bench, "ratio": round(ratio, 3), "bar": bar, "holds": holds, "detail": detail}
    print(json.dumps(line), flush=True)
