"""What the night takes for a day of executions, beside one plain sum over the same rows; and whether its memory grows.

Bars: ≤ 5 times the sum; ≤ 10 MB more at a million executions than at ten thousand. Anchor: what reads a day at all has
to pass over it once; a report that loads a day into memory falls over with the day that matters most.

One project has a day of `--runs` executions (a million unless it says otherwise) as they stand once they are added up.
About one in ten is flagged, a third of these twice; every eighth is a run of a task that comes again every three hours,
which is no duplicate. PLAIN is one statement: the number of the day's rows, and the sum of each of their columns of
tokens and cost. Both run on one core: a sum that takes two does not take less.

`observer-night` is a night as it is: the day was judged live, `judge_span` judges it again, and the waste is summed.
`observer-report` is the daily report, with the same bar. `observer-first` is the night where nothing was judged before,
so that a row is written for each anomaly, which no sum does; it has no bar. `observer-memory-mb` is by how much the
peak of a process that judges and reports (VmHWM, with Python and Django) is higher for that day than for one of ten
thousand, every anomaly still to be written. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from benchmarks import harness

RUNS, FEW = 1_000_000, 10_000
PIECE = 20_000
ROUNDS = 3
DAY = datetime(2026, 3, 2, tzinfo=UTC)
AGENTS = ("claude_code", "codex", "gemini", "openclaw", "copilot", "orchestrate", "litellm", "in-house")
TASKS = ("fix", "review", "search", "summarise", "test", "deploy", "translate", "plan")
MODELS = ("claude-sonnet-4-5", "gpt-5", "gemini-2.5-pro", "claude-haiku-4-5")
COLUMNS = (
    *("project_id", "execution_id", "started_at", "ended_at", "task_key", "task_id", "task_type", "tool", "action"),
    *("agent", "host", "model", "session_id", "source", "status", "errors", "duration_ms", "result_digest", "calls"),
    *("input_uncached", "cache_read", "cache_write_5m", "output", "reasoning", "cost_nanousd"),
    *("first_call_at", "last_call_at"),
)
WASTE = ("15m", "1d", "brief_15m", "brief_1d")
PLAIN = """
SELECT count(*), sum(input_uncached), sum(cache_read), sum(cache_write_5m), sum(cache_write_1h),
       sum(cache_write_unknown), sum(output), sum(reasoning), sum(cost_nanousd)
FROM telemetry_rollup_run WHERE project_id = %s AND started_at >= %s AND started_at < %s
"""


def main() -> None:
    """Four JSON lines."""
    parser = argparse.ArgumentParser(description="What the night takes for a day of executions.")
    parser.add_argument("--runs", type=int, default=RUNS)
    runs: int = parser.parse_args().runs
    with harness.instance() as place:
        from telemetry import facade
        from telemetry.database import connection

        few = facade.ensure_project(slug="few").id
        for project_id, number in ((few, FEW), (place.project_id, runs)):
            _fill(project_id, number)
        connection().execute("VACUUM ANALYZE")
        _compare(place.project_id, runs)
        _weigh(place, {few: FEW, place.project_id: runs})


def _compare(project_id: int, runs: int) -> None:
    from telemetry.database import connection

    connection().execute("SET max_parallel_workers_per_gather = 0")
    found: list[tuple[int, int]] = []

    def first(_: int) -> float:
        _forget(project_id)
        return night(0)

    def night(_: int) -> float:
        return _timed(lambda: found.append(_judge(project_id)))

    measures = (
        first,
        night,
        lambda _: _timed(lambda: _report(project_id)),
        lambda _: _timed(lambda: _plain(project_id)),
    )
    for measure in measures:
        measure(0)
    *figures, plain = harness.in_turns(ROUNDS, *measures)
    assert len(set(found)) == 1, found
    detail = {"runs": runs, "flagged": found[0][0], "anomalies": found[0][1]}
    for name, of_it in zip(("observer-first", "observer-night", "observer-report"), figures, strict=True):
        times = {"ms": round(statistics.median(of_it) * 1000), "plain_ms": round(statistics.median(plain) * 1000)}
        bar = None if name == "observer-first" else 5
        harness.report(name, harness.median_ratio(of_it, plain), at_most=bar, **times, **detail)


def _weigh(place: harness.Instance, projects: dict[int, int]) -> None:
    """Each day judged by a process of its own, every anomaly still to be written."""
    from django.db import connections

    peaks: dict[int, int] = {}
    context = multiprocessing.get_context("spawn")
    for project_id, runs in projects.items():
        _forget(project_id)
        connections.close_all()
        with context.Pool(1) as pool:
            peaks[runs] = pool.apply(_peak_kb, (place.dsn, project_id))
    few, many = peaks[FEW], max(peaks.values())
    detail = {f"mb_at_{runs}": round(peak / 1024, 1) for runs, peak in peaks.items()}
    harness.report("observer-memory-mb", (many - few) / 1024, at_most=10, **detail)


def _peak_kb(dsn: str, project_id: int) -> int:
    """Judge in this new process, and say what it took at most."""
    import os

    os.environ |= {"DATABASE_URL": dsn, "DJANGO_SETTINGS_MODULE": "tloi_site.settings"}
    import django

    django.setup()
    _judge(project_id)
    _report(project_id)
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def _judge(project_id: int) -> tuple[int, int]:
    """(runs that are flagged, anomalies)."""
    from telemetry.database import connection
    from telemetry.observer import judging, waste

    end = DAY + timedelta(days=1)
    judging.judge_span(connection(), project_id=project_id, start=DAY, end=end, now=end)
    found = waste.sums(connection(), project_id=project_id, start=DAY, end=end)
    return found.runs, found.total.anomalies


def _report(project_id: int) -> None:
    from telemetry.database import connection
    from telemetry.models import Project
    from telemetry.observer.report import making

    project, day = Project.objects.get(pk=project_id), DAY.date()
    now = DAY + timedelta(days=1)
    making.write(connection(), project=project, kind="daily", first_day=day, last_day=day, now=now)


def _plain(project_id: int) -> None:
    from telemetry.database import connection

    connection().execute(PLAIN, (project_id, DAY, DAY + timedelta(days=1))).fetchone()


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _forget(project_id: int) -> None:
    from telemetry.database import connection

    for table in ("telemetry_anomaly", *(f"telemetry_rollup_waste_{one}" for one in WASTE)):
        connection().execute(f"DELETE FROM {table} WHERE project_id = %s".encode(), (project_id,))  # noqa: S608  written here
        connection().execute(f"VACUUM {table}".encode())


def _fill(project_id: int, runs: int) -> None:
    from telemetry.database import connection

    command = f"COPY telemetry_rollup_run ({', '.join(COLUMNS)}) FROM STDIN"
    with connection().cursor() as cursor, cursor.copy(command.encode()) as copy:
        for row in _invented(project_id, runs):
            copy.write_row(row)
    _note_repeats(project_id)


def _note_repeats(project_id: int) -> None:
    """As is done when runs are added up, some thousands at a time."""
    from telemetry.database import connection
    from telemetry.models import Run
    from telemetry.series.run_repeats import note_repeats

    connection().execute("ANALYZE telemetry_rollup_run")
    keys = list(Run.objects.filter(project_id=project_id).order_by("started_at").values_list("execution_id", flat=True))
    for place in range(0, len(keys), PIECE):
        note_repeats(connection(), project_id=project_id, keys=keys[place : place + PIECE])


def _invented(project_id: int, runs: int) -> Iterator[tuple[Any, ...]]:
    """A day of runs in order of time, the same for the same number of them."""
    dice = Random(runs)
    beside = timedelta(days=1) / runs
    before = ""
    for number in range(runs):
        started_at = DAY + number * beside
        kind = dice.random()
        key = f"task-{dice.getrandbits(48):012x}"
        if kind < 0.02 and before:
            key = before
        elif kind > 0.875:
            key = f"routine-{number % (runs // 8)}"
        uncached, read, output, took_ms = _usage(dice, kind)
        ended_at = started_at + timedelta(milliseconds=took_ms)
        model, task = MODELS[number % 4], TASKS[number % 8]
        yield (
            *(project_id, f"{dice.getrandbits(128):032x}", started_at, ended_at, key, key, task, "cli", "execute_task"),
            *(AGENTS[number // 3 % 8], f"host-{number % 40}", model, f"session-{number // 20}", "bench"),
            *("done" if dice.random() < 0.9 else "failed", 0 if kind < 0.02 or kind >= 0.04 else 1, took_ms, ""),
            *(1 + number % 7, uncached, read, uncached // 5, output, output // 4, uncached * 3_000 + output * 15_000),
            *(started_at, ended_at),
        )
        before = key


def _usage(dice: Random, kind: float) -> tuple[int, int, int, int]:
    """(uncached, read from the cache, output, milliseconds): 2 % repeat, 2 % have errors, 2 % are over at once, 3 %
    read too much, 2 % cost too much, and the others do neither."""
    if 0.04 <= kind < 0.06:
        return dice.randrange(5_100, 7_000), 2_000, dice.randrange(600, 900), dice.randrange(200, 4_900)
    if 0.06 <= kind < 0.09:
        return dice.randrange(6_000, 60_000), 20_000, dice.randrange(0, 250), dice.randrange(20_000, 200_000)
    if 0.09 <= kind < 0.11:
        return dice.randrange(9_000, 30_000), 60_000, dice.randrange(3_000, 6_000), dice.randrange(60_000, 600_000)
    return (
        dice.randrange(200, 4_500),
        dice.randrange(0, 9_000),
        dice.randrange(450, 1_200),
        dice.randrange(5_500, 90_000),
    )


if __name__ == "__main__":
    main()
