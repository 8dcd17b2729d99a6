"""Read files on from where they were left: batch by batch, what a batch holds and its bookmarks in one transaction.

So an import that is killed at any moment loses nothing and counts nothing twice, and may simply be run again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from psycopg import Connection

from telemetry.access import room
from telemetry.contracts import Receipt
from telemetry.importer.bookmarks import Origin, Overtaken, bookmarks, move_bookmark
from telemetry.importer.gathering import Batch, gathered, last_steps
from telemetry.importer.reading import Bookmark, path_key
from telemetry.importer.registry import LocalSource
from telemetry.importer.report import Report
from telemetry.ledger.ingest import ingest
from telemetry.ledger.intake import note

BATCH = 2_000


@dataclass(frozen=True, slots=True)
class _Import:
    """An import under way. `marks` are the bookmarks as they were found, moved with each batch; `brought` is how many
    records each file has brought since."""

    conn: Connection[Any]
    origin: Origin
    source: LocalSource
    clock: Callable[[], datetime]
    report: Report
    marks: dict[Path, Bookmark]
    brought: Counter[Path] = field(default_factory=Counter)


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
    read is reported, and the others are read. Raises psycopg.Error, room.NoRoom; what was read before it is stored."""
    origin = Origin(project_id=project_id, source=source.name, host=host)
    known = bookmarks(conn, origin=origin)
    found = {path: known.get(path_key(path), Bookmark()) for path in files}
    report = Report(files=len(files))
    run = _Import(conn, origin, source, clock, report, dict(found))
    for batch in gathered(source, found, host=host, report=report, most=BATCH, progress=progress):
        try:
            _store(run, batch)
        except Overtaken:
            _store_apart(run, batch)
    taken = report.new + report.duplicates + report.quarantined
    note(conn, project_id=project_id, source=source.name, received=taken, rejections=(), now=clock())
    report.settle(source, found)
    return report


def _store(run: _Import, batch: Batch) -> None:
    """Executions first, on their own, so that each transaction takes its locks in the ledger's one order. Raises
    Overtaken; then no call of the batch is stored."""
    room.require()
    now = run.clock()
    put = partial(ingest, run.conn, project_id=run.origin.project_id, source=run.source.name, now=now)
    runs = [one for _, step in batch for one in step.reading.executions]
    executions = put(executions=runs) if runs else Receipt()
    with run.conn.transaction():
        calls = put(calls=[one for _, step in batch for one in step.reading.calls])
        receipt = executions if run.source.brings == "execution" else calls
        brought = run.brought + run.report.shares(run.source, batch, receipt)
        moved = {}
        for path, step in last_steps(batch).items():
            mark = replace(step.bookmark, calls=step.bookmark.calls + brought[path], found_at=run.marks[path].found_at)
            moved[path] = move_bookmark(run.conn, origin=run.origin, path=path, size=step.size, bookmark=mark, now=now)
    run.marks.update(moved)
    run.brought.update(brought - run.brought)
    run.report.take(run.source, batch, calls=calls, executions=executions)


def _store_apart(run: _Import, batch: Batch) -> None:
    """File by file, so that one which another import has read meanwhile does not keep the others from being stored."""
    for path in last_steps(batch):
        try:
            _store(run, [one for one in batch if one[0] == path])
        except Overtaken:
            run.report.skipped[path] = "another import is reading it"
