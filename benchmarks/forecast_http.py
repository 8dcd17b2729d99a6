"""What a forecast over HTTP costs: the 99th percentile of a question, to that of /healthz, asked in turns in one run.

`python -m benchmarks.forecast_http`. A project with 1,000 runs that have ended, of 40 kinds, 20 budgets that hold, each
question of a session of its own: budgets, statistics and residuals are read and a row is written. One client, a
connection a request, as agents ask that have just begun; the first 200 of each are not counted. Bar: at most 10. Beside
it the median, and the same from eight clients at once, where both wait for the same two processes.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from benchmarks import harness

BAR = 10.0
KINDS, RUNS, BUDGETS = 40, 1_000, 20
WARM, ROUNDS, CLIENTS = 200, 1_500, 8
PATH = "/api/v1/forecast/"


def main() -> None:
    """Two JSON lines: one client, and eight at once."""
    with harness.instance() as place:
        from tloi_site import assets

        assets.collect()
        _fill(place)
        with harness.web("tloi_site.wsgi:application") as address:
            asks, probes = _in_turns(address, place.key, WARM + ROUNDS, 0)
            _report("forecast-http", asks[WARM:], probes[WARM:], at_most=BAR, clients=1)
            asks, probes = _at_once(address, place.key)
            _report("forecast-http-busy", asks, probes, at_most=None, clients=CLIENTS)


def _fill(place: harness.Instance) -> None:
    """Runs that have ended and are learned from, and budgets of which some hold for each of them."""
    from telemetry import facade
    from telemetry.contracts import Execution
    from telemetry.models import Budget

    now = datetime.now(UTC)
    executions = [
        Execution(
            execution_id=f"run-{number}",
            started_at=now - timedelta(hours=30) + timedelta(seconds=40 * number),
            status="completed",
            execution_time=20.0,
            tokens_input=1_000 + 37 * (number % 101),
            tokens_output=200 + number % 53,
            task_type=f"type-{number % KINDS}",
            agent=f"agent-{number % 7}",
            tool="claude_code",
        )
        for number in range(RUNS)
    ]
    facade.record(project_id=place.project_id, executions=executions, source="api", now=now)
    for number in range(BUDGETS):
        kind = "task_type" if number % 2 else "agent"
        named = {"scope": kind, "subject": f"{kind.removeprefix('task_')}-{number}", "period": "run"}
        Budget.objects.create(project_id=place.project_id, counts="weighted", amount=Decimal(5_000), **named)
    _learn(place)


def _learn(place: harness.Instance) -> None:
    """Wait until all runs are learned from. Raises RuntimeError."""
    from telemetry import facade
    from telemetry.database import connection
    from telemetry.models import KeyStat

    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        now = datetime.now(UTC)
        facade.fold_due(now=now)
        facade.check_runs(now=now)
        known = KeyStat.objects.filter(project_id=place.project_id, level=0, measure="gross").first()
        if known is not None and known.runs == RUNS:
            connection().execute("ANALYZE")
            return
        time.sleep(1)
    raise RuntimeError("the runs were not learned from within 300 s")


def _in_turns(address: str, key: str, rounds: int, first: int) -> tuple[list[float], list[float]]:
    """Seconds of each question and each probe, in turns. Raises RuntimeError where a question has no estimate."""
    asks, probes = [], []
    for number in range(first, first + rounds):
        body = {
            "task_type": f"type-{number % KINDS}",
            "agent": f"agent-{number % 7}",
            "tool": "claude_code",
            "session": f"session-{number}",
            "execution_id": f"asked-{number}",
            "context_tokens": 1_000,
        }
        took, said = _timed(address, "POST", PATH, json.dumps(body), key)
        if not said.get("tokens"):
            raise RuntimeError(f"no estimate: {said}")
        asks.append(took)
        probes.append(_timed(address, "GET", "/healthz", None, "")[0])
    return asks, probes


def _at_once(address: str, key: str) -> tuple[list[float], list[float]]:
    """The same from several processes at once."""
    context = multiprocessing.get_context("fork")
    with context.Pool(CLIENTS) as pool:
        parts = [pool.apply_async(_in_turns, (address, key, 200, 10_000 * (n + 1))) for n in range(CLIENTS)]
        found = [part.get() for part in parts]
    return [one for asks, _ in found for one in asks], [one for _, probes in found for one in probes]


def _timed(address: str, method: str, path: str, body: str | None, key: str) -> tuple[float, dict[str, Any]]:
    parts = urlsplit(address)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"} if key else {}
    began = time.perf_counter()
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    took = time.perf_counter() - began
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}: {text[:200]!r}")
    said: dict[str, Any] = json.loads(text)
    return took, said


def _report(name: str, asks: Sequence[float], probes: Sequence[float], *, at_most: float | None, clients: int) -> None:
    ask, probe = _p99(asks), _p99(probes)
    harness.report(
        name,
        ask / probe,
        at_most=at_most,
        ask_p99_ms=round(1000 * ask, 2),
        healthz_p99_ms=round(1000 * probe, 2),
        ask_median_ms=round(1000 * statistics.median(asks), 2),
        healthz_median_ms=round(1000 * statistics.median(probes), 2),
        requests=len(asks),
        clients=clients,
    )


def _p99(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


if __name__ == "__main__":
    main()
