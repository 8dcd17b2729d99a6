"""Backup, restore and export of a million calls, with all that ingest writes beside them, and the rollups.

`backup-vs-pg_dump`: a backup, which counts and digests every table too, against pg_dump alone.
`restore-vs-pg_restore`: a restore, which reads the file, counts and digests again and analyzes, against pg_restore
alone with as many jobs. What is restored must be equal in every table, or this ends with an error.
`export-…-memory`: the greatest memory of `tloi export` of all calls against that of a twentieth of them; bar: 1.3.
`export-…-vs-copy`: its time against COPY of the same calls by psql. An argument is another number of calls.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import harness

CALLS = int((*sys.argv[1:], "1000000")[0])
BATCH = 2000
DAYS = 20
FIRST = datetime(2026, 10, 1, tzinfo=UTC)
ALL_DAYS = ("--from", f"{FIRST:%Y-%m-%d}", "--to", f"{FIRST + timedelta(days=DAYS - 1):%Y-%m-%d}")
COPY = "COPY (SELECT * FROM telemetry_call ORDER BY project_id, started_at, id) TO STDOUT (FORMAT csv, HEADER)"


def main() -> None:
    """A JSON line a figure."""
    with harness.instance() as place:
        _fill(place)
        from tloi_site.backup import database

        here = database.configured()
        _backup_and_restore(here, place.folder)
        for file_format in ("csv", "parquet"):
            _export(here, file_format)


def _fill(place: harness.Instance) -> None:
    """Calls as ingest writes them, then all folded."""
    from telemetry import facade
    from telemetry.database import connection
    from telemetry.series import rollups

    for start in range(0, CALLS, BATCH):
        calls = list(_calls(start, min(start + BATCH, CALLS)))
        facade.record(project_id=place.project_id, calls=calls, source="bench", now=FIRST + timedelta(days=DAYS))
    rollups.catch_up(connection(), project_id=place.project_id, now=datetime.now(UTC), patience=3600)


def _calls(start: int, end: int) -> Iterator[Any]:
    from telemetry.contracts import Call

    for n in range(start, end):
        yield Call(
            id=f"call-{n:08}",
            started_at=FIRST + timedelta(days=DAYS) * (n / CALLS),
            provider="anthropic",
            model=("claude-sonnet-4-5", "claude-opus-4-5", "claude-haiku-4-5")[n % 3],
            agent=f"agent-{n % 7}",
            host=f"host-{n % 3}",
            session_id=f"session-{n // 60}",
            task_type=f"task-{n % 8}",
            input_uncached=n % 40,
            cache_read=n * 7 % 120_000,
            cache_write_5m=n % 4000,
            output=n % 2000,
            duration_ms=n * 31 % 60_000,
        )


def _backup_and_restore(here: Any, folder: Path) -> None:
    from telemetry import facade
    from tloi_site.backup import archive, database, programs, restoring, taking
    from tloi_site.backup.manifest import differences

    now, major = datetime.now(UTC), 0
    with here.connect() as conn:
        major = conn.info.server_version // 10_000
    database.leave()
    ours, plain = folder / "ours", folder / "plain"
    backup = _timed(lambda: taking.back_up(here, ours, now=now))
    dump = _timed(lambda: _run([programs.find("pg_dump", major=major).path, "-Fc", f"--file={plain}"], here))
    manifest = archive.verify(ours)
    restored, alone = here.beside("bench_restored"), here.beside("bench_alone")
    with here.maintenance() as admin:
        admin.execute("CREATE DATABASE bench_alone TEMPLATE template0")
    words: dict[str, Any] = {"known": set(manifest.migrations), "migrate": lambda: None, "say": lambda _: None}
    restore = _timed(lambda: restoring.restore(restored, ours, replace=False, now=now, **words))
    jobs = f"--jobs={os.cpu_count()}"
    load = _timed(
        lambda: _run([programs.find("pg_restore", major=major).path, jobs, "--dbname=bench_alone", plain], alone)
    )
    with restored.connect() as conn:
        wrong = differences(manifest.tables, {name: asdict(one) for name, one in facade.contents(conn).items()})
    if wrong or manifest.tables["telemetry_call"]["rows"] != CALLS:
        raise RuntimeError(f"what was restored is not what was backed up: {wrong}")
    mib = round(ours.stat().st_size / 2**20, 1)
    detail = {"calls": CALLS, "rows": manifest.rows, "MiB": mib, "equal": True}
    harness.report("backup-vs-pg_dump", backup / dump, **detail, s=[round(backup, 1), round(dump, 1)])
    harness.report("restore-vs-pg_restore", restore / load, **detail, s=[round(restore, 1), round(load, 1)])


def _export(here: Any, file_format: str) -> None:
    all_s, all_mib = _exported(file_format, ALL_DAYS)
    few_days = ("--from", ALL_DAYS[1], "--to", ALL_DAYS[1])
    few_s, few_mib = _exported(file_format, few_days)
    from tloi_site.backup import programs

    psql = programs.find("psql", major=1).path
    copy_s = _timed(lambda: _run([psql, "--command", COPY], here))
    detail: dict[str, Any] = {
        "calls": CALLS,
        "MiB": [round(all_mib), round(few_mib)],
        "s": [round(all_s, 1), round(few_s, 1)],
    }
    harness.report(f"export-{file_format}-memory", all_mib / few_mib, at_most=1.3, **detail)
    harness.report(f"export-{file_format}-vs-copy", all_s / copy_s, copy_s=round(copy_s, 1))


def _exported(file_format: str, days: Sequence[str]) -> tuple[float, float]:
    """Seconds, and the greatest memory in MiB, of an export that nobody keeps."""
    words = ("export", "calls", "--project", "bench", "--format", file_format, *days)
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, harness.ROOT / "manage.py", *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"an export ended with {process.returncode}")
    return time.perf_counter() - began, usage.ru_maxrss / 2**10


def _run(command: list[Any], place: Any) -> None:
    subprocess.run(list(map(str, command)), env=place.environment(), stdout=subprocess.DEVNULL, check=True)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
