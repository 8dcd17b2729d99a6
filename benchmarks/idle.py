"""What `tloi up` takes while nobody asks it anything: processor, memory and disk.

Bars: ≤ 1 % of a core, ≤ 450 MB in all; disk has none. Anchor: a tool that sits beside the agents it watches must not be
felt, and a containerised peer with a database, a queue and a web server takes one to several GB.

A real `tloi up` in a folder of its own is given the demo data, calls by HTTP and a look at every page, more often than
there are web processes, so that each holds all that it ever loads. When the demo's nights are reported, and what that
took has been given back, an hour passes (`--minutes` says otherwise).
`idle-core-share` is the time that all its processes took by the kernel's count, user and system, children that ended
among them, over the time that passed; so neighbours do not disturb it. `idle-mb-pss` is the proportional set size of
all its processes, PostgreSQL's too, summed, where a page that n processes share counts 1/n in each: the most that was
seen, by looking once a minute. `idle-disk-mb-an-hour` is how much the data folder grew. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from benchmarks import harness

MINUTES = 60.0
SETTLE_S = 180.0  # connections and the worker's second process end a minute or two after they were last needed
LOOK_S = 60.0
VISITS = 12  # of each page, to reach every web process
PAGES = (
    *("/", "/models/", "/executions/", "/sessions/", "/anomalies/", "/reports/", "/trends/", "/forecasts/"),
    *("/objectives/", "/budgets/", "/routing/", "/skills/", "/connect/", "/live/", "/invoice/"),
)
PATIENCE_S = 120.0
NIGHTS_S = 1800.0  # at most, for the reports of the demo's days
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Three JSON lines."""
    parser = argparse.ArgumentParser(description="What TLOI takes while it is idle.")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    minutes: float = parser.parse_args().minutes
    with _up() as (folder, process, port):
        _use(folder, port)
        _wait_for_nights(folder)
        time.sleep(SETTLE_S)
        roles = _roles(folder, process.pid)
        began, before, disk = time.monotonic(), _seconds(roles), _disk(folder / "data")
        looks = list(_looks(roles, until=began + minutes * 60))
        took, after = time.monotonic() - began, _seconds(roles)
        grown = {name: size - disk.get(name, 0) for name, size in _disk(folder / "data").items()}
        if "starting it again" in (folder / "printed").read_text():
            raise RuntimeError("a process died meanwhile, so the figures are of a start")
    cpu = {role: round((after[role] - before[role]) / took, 5) for role in roles}
    most = max(looks, key=lambda look: sum(look.values()))
    share, growth = sum(after.values()) - sum(before.values()), sum(grown.values()) / 2**20 * 3600 / took
    harness.report("idle-core-share", share / took, at_most=0.01, by_process=cpu, minutes=round(took / 60, 1))
    memory = {role: round(size, 1) for role, size in most.items()}
    harness.report("idle-mb-pss", sum(most.values()), at_most=450, by_process=memory, looks=len(looks))
    kib = {name: round(size / 1024) for name, size in grown.items() if size}
    harness.report("idle-disk-mb-an-hour", growth, kib=kib)


@contextmanager
def _up() -> Iterator[tuple[Path, subprocess.Popen[bytes], int]]:
    """Inside, a `tloi up` is ready: its folder, its process and its port."""
    ours = ("DATABASE_URL", "REDIS_URL", "CACHE_URL")
    with tempfile.TemporaryDirectory(prefix="tloi-bench-", dir=os.environ.get("TLOI_BENCH_DIR")) as name:
        folder, port = Path(name), harness.free_port()
        folder.chmod(0o755)
        environment = {name: value for name, value in os.environ.items() if name not in ours}
        environment |= {"TLOI_DATA_DIR": str(folder / "data"), "TLOI_PORT": str(port)}
        environment |= {"TLOI_GATEWAY_PORT": str(harness.free_port())}
        with (folder / "printed").open("wb") as printed:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "up"], cwd=harness.ROOT, env=environment, stdout=printed, stderr=printed
            )
        try:
            deadline = time.monotonic() + PATIENCE_S
            while "TLOI is ready" not in (folder / "printed").read_text():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((folder / "printed").read_text())
                time.sleep(0.2)
            yield folder, process, port
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def _use(folder: Path, port: int) -> None:
    """Load the demo, send calls, and look at every page."""
    environment = os.environ | {"TLOI_DATA_DIR": str(folder / "data")}
    subprocess.run(
        [sys.executable, "manage.py", "demo"], cwd=harness.ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
    )
    printed = (folder / "printed").read_text()
    token, key = (_found(pattern, printed) for pattern in (r"login/\?token=(\S+)", r"(tloi_\w{8}_\S+)"))
    _, cookie = _ask(port, "GET", f"/login/?token={token}")
    for visit in range(VISITS):
        call = {"id": f"idle-{visit}", "started_at": datetime.now(UTC).isoformat(), "model": "claude-sonnet-4-5"}
        body = json.dumps(call | {"provider": "anthropic", "input_uncached": 7, "output": 7})
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        _ask(port, "POST", "/api/v1/calls/", headers, body)
        for page in PAGES:
            _ask(port, "GET", f"{page}?project=demo", {"Cookie": cookie})


def _wait_for_nights(folder: Path) -> None:
    """Until a report was made and none is due: to make them is work, and not what idle costs."""
    address = json.loads((folder / "data" / "servers.json").read_text())["addresses"]["DATABASE_URL"]
    question = (
        "SELECT bool_or(state = 'done') AND NOT bool_or(state = 'running')"
        " AND NOT bool_or(state = 'waiting' AND not_before_at <= now()) FROM telemetry_job"
    )
    deadline = time.monotonic() + NIGHTS_S
    while time.monotonic() < deadline:
        with psycopg.connect(address) as connection:
            if (connection.execute(question).fetchone() or (False,))[0]:
                return
        time.sleep(5)
    raise RuntimeError(f"the demo's nights were not reported within {NIGHTS_S:.0f} s")


def _ask(
    port: int, method: str, path: str, headers: dict[str, str] | None = None, body: str | None = None
) -> tuple[bytes, str]:
    """A body, and the cookie that was set with it. Raises RuntimeError for an error."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    said, cookies = answer.read(), answer.headers.get_all("Set-Cookie") or []
    connection.close()
    if answer.status >= 400:
        raise RuntimeError(f"{path} answered {answer.status}: {said[:300]!r}")
    return said, "; ".join(cookie.partition(";")[0] for cookie in cookies)


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, f"{pattern} is not in {text}"
    return match[1]


def _roles(folder: Path, up: int) -> dict[str, int]:
    """The first process of each service, by its name; `up` is the supervisor alone."""
    notes = {note.name: int(note.read_text().split()[0]) for note in (folder / "data" / "run").iterdir()}
    return {"up": up} | notes


def _family(role: str, first: int) -> list[int]:
    """The processes of a service."""
    if role == "up":
        return [first]
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(_fields(int(stat.parent.name))[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found, size = {first}, 0
    while len(found) > size:
        size = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return sorted(found)


def _fields(pid: int) -> list[str]:
    """Of proc(5)'s stat, what comes after the name: state is the first."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _seconds(roles: dict[str, int]) -> dict[str, float]:
    """The processor time of each service until now: its processes', and of those that ended what their parents got."""
    sums: dict[str, float] = {}
    for role, first in roles.items():
        ticks = 0
        for pid in _family(role, first):
            fields = _fields(pid)  # from field 14 on: utime, stime, cutime, cstime
            ticks += sum(map(int, fields[11:13] if role == "up" else fields[11:15]))
        sums[role] = ticks * _TICK_S
    return sums


def _looks(roles: dict[str, int], *, until: float) -> Iterator[dict[str, float]]:
    """Once a minute, and at the end: the memory of each service in MB, shared pages by their share."""
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(LOOK_S, left))
        yield {role: sum(map(_pss, _family(role, first))) / 1024 for role, first in roles.items()}


def _pss(pid: int) -> int:
    """A process's proportional set size in KiB; 0 where it has just ended."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(_found(r"\nPss:\s+(\d+) kB", rollup))


def _disk(data: Path) -> Counter[str]:
    """The bytes that each part of the data folder takes on disk."""
    sizes: Counter[str] = Counter()
    for path in data.rglob("*"):
        try:
            size = path.lstat().st_blocks * 512
        except FileNotFoundError:
            continue
        parts = path.relative_to(data).parts
        sizes["/".join(parts[:2]) if parts[0] == "postgres" else parts[0]] += size
    return sizes


if __name__ == "__main__":
    main()
