"""Calls a second into a table of millions and into an empty one, with all rollups folding, and a page meanwhile.

What is sent is an hour of a busy team, in JSON batches of 1,000 calls by four clients; each time another hour, so that
no fold reads what an earlier one had to. What folds and judges goes on meanwhile, as in a running site. A turn begins
when nothing of the one before is left to do: both sites share two cores, and would pay for each other's turns.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from operator import itemgetter
from random import Random
from typing import Any

import msgspec
import psycopg

from benchmarks import harness, scale_calls, scale_fill
from benchmarks.scale_site import Site

BATCH = 1000
CLIENTS = 4
ROUNDS = 3
PATIENCE_S = 600
PAGES = ("/", "/models/")
EMPTIED = (
    *("telemetry_call", "telemetry_identity", "telemetry_session", "telemetry_execution", "telemetry_dirty"),
    "telemetry_rollup%",
)


def compare(empty: Site, full: Site, *, calls: int, sent: int) -> None:
    """Print the ratio of the rates at which `sent` calls go into either, in turns, and that of a page's time under full
    ingest to its time at rest."""
    lags: dict[str, list[float]] = {"empty": [], "full": []}
    judged: dict[str, list[float]] = {"empty": [], "full": []}

    def into(name: str, site: Site, number: int) -> float:
        if name == "empty":
            _truncate(site)
        rate = send(site, f"{name} {number}", hours_ago=number, count=sent)
        lags[name].append(round(_fold(site), 1))
        judged[name].append(round(_judged(site), 1))
        return rate

    into("empty", empty, ROUNDS)  # both once without a figure
    into("full", full, ROUNDS)
    rates = harness.in_turns(ROUNDS, lambda n: into("full", full, n), lambda n: into("empty", empty, n))
    detail = {"full": [round(rate) for rate in rates[0]], "empty": [round(rate) for rate in rates[1]]}
    ratio = harness.median_ratio(rates[0], rates[1])
    harness.report(
        "scale-ingest", ratio, at_least=0.8, calls=calls, calls_per_s=detail, folded_after_s=lags, judged_after_s=judged
    )
    pages_meanwhile(full, calls=calls, sent=sent)


def pages_meanwhile(site: Site, *, calls: int, sent: int) -> None:
    """Print, for each page, its time under full ingest as a multiple of its time at rest before and after."""
    for number, page in enumerate(PAGES):
        path = f"{page}?project=bench&range=30d"
        before = _loads(site, path, 10)
        context = multiprocessing.get_context("fork")
        done, times = context.Event(), context.SimpleQueue()
        reader = context.Process(target=_load_until, args=(site, path, done, times))
        reader.start()
        rate = send(site, f"meanwhile {page}", hours_ago=ROUNDS + 1 + number, count=sent)
        done.set()
        under = times.get()
        reader.join()
        _fold(site)
        _judged(site)
        rest = before + _loads(site, path, 10)
        detail = {
            "rest_ms": _ms(rest),
            "under_ingest_ms": _ms(under),
            "longest_ms": round(max(under) * 1000),
            "loads": len(under),
            "calls_per_s": round(rate),
        }
        name = f"scale-{page.strip('/') or 'overview'}-under-ingest"
        harness.report(name, statistics.median(under) / statistics.median(rest), at_most=2, calls=calls, **detail)


def send(site: Site, tag: str, *, hours_ago: int, count: int) -> float:
    """Calls a second, of about `count` calls of one hour."""
    bodies = _bodies(f"{tag} {time.time()}", datetime.now(UTC) - timedelta(hours=hours_ago), count)
    headers = {"Authorization": f"Bearer {site.place.key}", "Content-Type": "application/json"}
    took = harness.post_all(site.address, "/api/v1/calls/", headers, [body for body, _ in bodies], clients=CLIENTS)
    return sum(number for _, number in bodies) / took


def _bodies(tag: str, until: datetime, count: int) -> list[tuple[bytes, int]]:
    """Batches in order of time, each with how many calls it holds. A session is of one of CLIENTS machines, and the
    batches of these take turns."""
    dice, end = Random(tag), scale_calls.microseconds(until)
    machines = [_machine(dice, end, count // CLIENTS) for _ in range(CLIENTS)]
    batches = [batch for turn in zip_longest(*machines) for batch in turn if batch]
    return [(msgspec.json.encode(batch), len(batch)) for batch in batches]


def _machine(dice: Random, end: int, count: int) -> list[list[dict[str, Any]]]:
    """Batches of one machine's sessions of an hour."""
    found: list[tuple[int, dict[str, Any]]] = []
    while len(found) < count:
        one = scale_calls.session(dice, end - int(dice.random() * 3_600_000_000), end)
        found += [(turn.at, scale_calls.as_record(one, turn)) for turn in one.turns]
    found.sort(key=itemgetter(0))
    records = [record for _, record in found]
    return [records[start : start + BATCH] for start in range(0, len(records), BATCH)]


def _load_until(site: Site, path: str, done: Any, times: Any) -> None:
    taken = []
    while not done.is_set():
        taken.append(_load(site, path))
        time.sleep(0.1)
    times.put(taken)


def _loads(site: Site, path: str, count: int) -> list[float]:
    return [_load(site, path) for _ in range(count)]


def _load(site: Site, path: str) -> float:
    began = time.perf_counter()
    harness.get(site.address, path, site.cookie)
    return time.perf_counter() - began


def _ms(seconds: list[float]) -> int:
    return round(statistics.median(seconds) * 1000)


def _fold(site: Site) -> float:
    """Seconds until all that was sent is folded, by somebody who waits for it."""
    from telemetry.series import rollups

    began = time.monotonic()
    with psycopg.connect(site.place.dsn, autocommit=True) as conn:
        while not rollups.catch_up(
            conn, project_id=site.place.project_id, now=datetime.now(UTC), patience=PATIENCE_S
        ).is_clean:
            if time.monotonic() - began > PATIENCE_S:
                raise RuntimeError(f"what was sent is not folded after {PATIENCE_S} s")
    return time.monotonic() - began


def _judged(site: Site) -> float:
    """Seconds until the runs of all that is folded are added up and judged, by somebody who waits for it."""
    began = time.monotonic()
    harness.use(site.place)
    scale_fill.add_up(site.place.project_id, now=datetime.now(UTC))
    return time.monotonic() - began


def _truncate(site: Site) -> None:
    """Empty what was recorded, and keep projects and keys."""
    with psycopg.connect(site.place.dsn, autocommit=True) as conn:
        names = conn.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relname LIKE ANY(%s)",
            (list(EMPTIED),),
        ).fetchall()
        conn.execute(("TRUNCATE " + ", ".join(name for (name,) in names)).encode())
