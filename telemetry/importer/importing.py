"""Read files on from where they were left: piece by piece, what a piece holds and its bookmark in one transaction.

So an import that is killed at any moment loses nothing and counts nothing twice, and may simply be run again.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from psycopg import Connection

from telemetry.contracts import Call, Receipt
from telemetry.importer.bookmarks import Bookmark, Origin, Overtaken, bookmarks, move_bookmark, path_key
from telemetry.importer.lines import MAX_LINE, fingerprint, whole_lines
from telemetry.importer.registry import LocalSource
from telemetry.ledger.ingest import ingest
from telemetry.sources import Reading

TOO_LONG = f"longer than {MAX_LINE >> 20} MiB"


@dataclass(slots=True)
class Report:
    """What an import did. `new` calls were stored; `known` ones stand in the files that were named, but were stored
    before. `unreadable` counts lines by file and reason; `skipped` says why a file was not read to its end."""

    files: int = 0
    changed_files: int = 0
    new: int = 0
    known: int = 0
    quarantined: int = 0
    unreadable: dict[Path, Counter[str]] = field(default_factory=dict)
    skipped: dict[Path, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Import:
    """An import under way. `met` are the calls that it read, so that one in two files is not taken for known."""

    conn: Connection[Any]
    origin: Origin
    source: LocalSource
    clock: Callable[[], datetime]
    progress: Callable[[int], None]
    report: Report
    met: set[int] = field(default_factory=set)
    duplicates: int = 0

    def meet(self, calls: Iterable[Call], duplicates: int) -> None:
        """Count the calls of a piece that were known before this import."""
        repeated = 0
        for call in calls:
            repeated += hash(call.id) in self.met
            self.met.add(hash(call.id))
        self.duplicates += max(0, duplicates - repeated)

    def refuse(self, path: Path, reason: str, lines: int = 1) -> None:
        """Count lines that were not stored."""
        if lines:
            self.report.unreadable.setdefault(path, Counter())[reason] += lines


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
    opened is reported, and the others are read. Raises psycopg.Error; what was read before it is stored."""
    origin = Origin(project_id=project_id, source=source.name, host=host)
    marks = bookmarks(conn, origin=origin)
    run = _Import(conn, origin, source, clock, progress, Report(files=len(files)))
    ours = {path: marks.get(path_key(path), Bookmark()) for path in files}
    for path, mark in ours.items():
        try:
            _import_file(run, path, mark)
        except OSError as error:
            run.report.skipped[path] = error.strerror or str(error)
        except Overtaken:
            run.report.skipped[path] = "another import is reading it"
    run.report.known = max(run.duplicates, sum(mark.calls for mark in ours.values()))
    return run.report


def _import_file(run: _Import, path: Path, mark: Bookmark) -> None:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        mark = mark.in_file(file, size)
        begin = mark.offset
        run.progress(begin)
        for piece in whole_lines(file, begin):
            reading = run.source.read(piece.lines, file_name=path.name, host=run.origin.host, state=mark.state)
            run.progress(piece.end - mark.offset)
            seal = fingerprint(file, piece.end)
            after = replace(mark, offset=piece.end, fingerprint=seal, state=dict(reading.state))
            mark = _store(run, path, reading, after, size=max(size, piece.end))
            run.refuse(path, TOO_LONG, piece.too_long)
        run.progress(max(0, size - mark.offset))
        run.report.changed_files += mark.offset > begin


def _store(run: _Import, path: Path, reading: Reading, mark: Bookmark, *, size: int) -> Bookmark:
    """Executions first, on their own, so that each transaction takes its locks in the ledger's one order."""
    now = run.clock()
    put = partial(ingest, run.conn, project_id=run.origin.project_id, source=run.source.name, now=now)
    executions = put(executions=reading.executions) if reading.executions else Receipt()
    with run.conn.transaction():
        receipt = put(calls=reading.calls)
        mark = replace(mark, calls=mark.calls + receipt.accepted)
        mark = move_bookmark(run.conn, origin=run.origin, path=path, size=size, bookmark=mark, now=now)
    run.report.new += receipt.accepted
    run.report.quarantined += receipt.quarantined + executions.quarantined
    run.meet(reading.calls, receipt.duplicates)
    for reason, lines in reading.unreadable.items():
        run.refuse(path, reason, lines)
    for rejection in (*receipt.rejected, *executions.rejected):
        run.refuse(path, rejection.reason)
    return mark
