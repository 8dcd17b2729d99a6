"""Read files on from where they were left: step by step, what a step holds and its bookmark in one transaction.

So an import that is killed at any moment loses nothing and counts nothing twice, and may simply be run again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from psycopg import Connection

from telemetry.contracts import Receipt
from telemetry.importer.bookmarks import Origin, Overtaken, bookmarks, move_bookmark
from telemetry.importer.reading import Bookmark, CannotRead, path_key, steps
from telemetry.importer.registry import LocalSource
from telemetry.importer.report import Report
from telemetry.ledger.ingest import ingest


@dataclass(frozen=True, slots=True)
class _Import:
    """An import under way."""

    conn: Connection[Any]
    origin: Origin
    source: LocalSource
    clock: Callable[[], datetime]
    progress: Callable[[int], None]
    report: Report


def import_files(
    conn: Connection[Any],
    *,
    project_id: int,
    source: LocalSource,
    files: Sequence[Path],
    host: str,
    clock: Callable[[], datetime],
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Read what is new in `files`, in their order. `progress` is told how many bytes were done. A file that cannot be
    read is reported, and the others are read. Raises psycopg.Error; what was read before it is stored."""
    origin = Origin(project_id=project_id, source=source.name, host=host)
    marks = bookmarks(conn, origin=origin)
    run = _Import(conn, origin, source, clock, progress, Report(files=len(files)))
    ours = {path: marks.get(path_key(path), Bookmark()) for path in files}
    for path, mark in ours.items():
        try:
            _import_file(run, path, mark)
        except OSError as error:
            run.report.skipped[path] = error.strerror or str(error)
        except CannotRead as error:
            run.report.skipped[path] = str(error)
        except Overtaken:
            run.report.skipped[path] = "another import is reading it"
    run.report.settle(source, ours)
    return run.report


def _import_file(run: _Import, path: Path, mark: Bookmark) -> None:
    brought, found_at = 0, mark.found_at
    for step in steps(run.source, path, mark, host=run.origin.host, progress=run.progress):
        now = run.clock()
        put = partial(ingest, run.conn, project_id=run.origin.project_id, source=run.source.name, now=now)
        # Executions first, on their own, so that each transaction takes its locks in the ledger's one order.
        executions = put(executions=step.reading.executions) if step.reading.executions else Receipt()
        with run.conn.transaction():
            calls = put(calls=step.reading.calls)
            (share,) = run.report.shares(run.source, [step], calls)
            brought += share
            after = replace(step.bookmark, calls=step.bookmark.calls + brought, found_at=found_at)
            found_at = move_bookmark(
                run.conn, origin=run.origin, path=path, size=step.size, bookmark=after, now=now
            ).found_at
        run.report.take(run.source, [(path, step)], calls=calls, executions=executions)
