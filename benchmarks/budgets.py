"""What it takes to reserve and settle beside the barest statement that could count: pairs a second, as a ratio.

Bars: `budgets-hot` (one budget that every call falls under) and `budgets-200` (200 budgets, a call under one of them)
are ≥ 0.12 of a bare `UPDATE … SET n = n + 1 … RETURNING n` of one row, or of a row of 200, in turns in one run by as
many connections. Anchor: a pair is two commits, locks what it decides from, and writes and ends a lease; a bare UPDATE
is one commit that protects nothing. Eight threads, each with a connection of its own; the detail has the rates.

`budgets-four`: a call under four budgets at once, as one may be; no bar.
"""

from __future__ import annotations

import statistics
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import Connection

from benchmarks import harness

THREADS, SECONDS, ROUNDS, MANY = 8, 1.5, 5, 200
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
Work = Callable[[Connection[Any], int], None]


def main() -> None:
    """Three JSON lines."""
    with harness.instance() as place:
        with psycopg.connect(place.dsn, autocommit=True) as conn:
            conn.execute("CREATE TABLE bare (id int PRIMARY KEY, n bigint NOT NULL) WITH (fillfactor = 50)")
            conn.execute("INSERT INTO bare SELECT n, 0 FROM generate_series(0, %s) AS n", [MANY - 1])
        compare(place, "budgets-hot", pairs(place.project_id, 1, 1), bare(1), at_least=0.12)
        compare(place, "budgets-200", pairs(place.project_id, MANY, 1), bare(MANY), at_least=0.12)
        compare(place, "budgets-four", pairs(place.project_id, 4, 4), bare(4))


def compare(place: harness.Instance, name: str, ours: Work, anchor: Work, *, at_least: float | None = None) -> None:
    """Both in turns, and the line."""
    found = harness.in_turns(ROUNDS, lambda _: rate(place.dsn, ours), lambda _: rate(place.dsn, anchor))
    with psycopg.connect(place.dsn) as conn:
        left = conn.execute("SELECT sum(reserved) FROM telemetry_budget_window").fetchone()
    if left is None or left[0]:
        raise RuntimeError(f"{left} is still reserved though every pair ended")
    harness.report(
        name,
        harness.median_ratio(*found),
        at_least=at_least,
        pairs_a_second=round(statistics.median(found[0])),
        updates_a_second=round(statistics.median(found[1])),
    )


def pairs(project_id: int, budgets: int, scopes: int) -> Work:
    """Reserve and settle, under so many of so many budgets."""
    from telemetry.contracts import UsageRow
    from telemetry.limits import reserving, windows
    from telemetry.limits.granted import Grant

    grants = [Grant(n, "agent", f"agent {n}", "day", "gross", 10**15, "enforce", None) for n in range(budgets)]
    tz, whose = ZoneInfo("UTC"), windows.Whose()
    found = [windows.windows_of(grants[n : n + scopes], whose=whose, now=NOW, tz=tz) for n in range(0, budgets, scopes)]
    prompt = UsageRow(input_uncached=1_000)
    amount = windows.asked(prompt, output=500, input_nanousd=0, output_nanousd=0)

    def work(conn: Connection[Any], number: int) -> None:
        name, places = uuid.uuid4().hex, found[number % len(found)]
        reserving.reserve(conn, project_id=project_id, scopes=places, amount=amount, now=NOW, reservation_id=name)
        told = [windows.Spent(name, weighted=1_200, gross=1_200)]
        reserving.settle(conn, project_id=project_id, spent=told, is_recorded=True, now=NOW)

    return work


def bare(rows: int) -> Work:
    """Count in one of so many rows."""

    def work(conn: Connection[Any], number: int) -> None:
        conn.execute("UPDATE bare SET n = n + 1 WHERE id = %s RETURNING n", [number % rows]).fetchone()

    return work


def rate(dsn: str, work: Work) -> float:
    """How often a second all threads together do it."""
    counts = [0] * THREADS
    start = threading.Barrier(THREADS + 1)
    end = threading.Event()

    def run(place: int) -> None:
        with psycopg.connect(dsn, autocommit=True) as conn:
            work(conn, place)  # what is prepared once is
            start.wait()
            while not end.is_set():
                work(conn, place + THREADS * counts[place])
                counts[place] += 1

    threads = [threading.Thread(target=run, args=(place,)) for place in range(THREADS)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    time.sleep(SECONDS)
    end.set()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
