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
from dataclasses import dataclass
from pathlib import Path
from typing import Any
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
def instance() -> Iterator[Instance]:
    """Private servers in a new folder, migrated, with Django set up on them and a project `bench`."""
    folder = Path(tempfile.mkdtemp(prefix="tloi-bench-", dir=os.environ.get("TLOI_BENCH_DIR")))
    folder.chmod(0o755)
    for name in ("DATABASE_URL", "REDIS_URL", "CACHE_URL"):
        os.environ.pop(name, None)
    os.environ |= {"TLOI_DATA_DIR": str(folder / "data"), "DJANGO_SETTINGS_MODULE": "tloi_site.settings"}
    from tloi_site import env
    from tloi_site.embedded import servers
    from tloi_site.embedded.private_files import open_data_dir

    try:
        open_data_dir(env.data_dir())
        with servers.private(env.data_dir(), lambda sentence: None):
            yield _prepared(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prepared(folder: Path) -> Instance:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from telemetry import facade

    facade.ensure_owner()
    project = facade.ensure_project(slug="bench")
    key = facade.create_key(project_slug="bench", name="bench", scopes=["ingest", "read"])
    return Instance(os.environ["DATABASE_URL"], folder, project.id, key)


@contextmanager
def web(application: str, *, workers: int = 2, threads: int = 4) -> Iterator[str]:
    """Granian on a free port, as `tloi up` starts it; its address. `application` is module:name."""
    port = free_port()
    command = [sys.executable, "-m", "granian", application, "--interface", "wsgi", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", str(workers), "--blocking-threads", str(threads), "--no-ws"]
    process = subprocess.Popen([*command, "--log-level", "warning"], cwd=ROOT)
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
