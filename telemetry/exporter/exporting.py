"""Exports as pieces of a file. Rows come by a cursor of the server, so that memory does not grow with the range."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import cache
from typing import Any, LiteralString

from psycopg import Connection, sql
from psycopg.rows import tuple_row

from telemetry.exporter.columns import COLUMNS, What
from telemetry.exporter.csv_lines import csv_lines
from telemetry.exporter.parquet import parquet
from telemetry.series.rollups import catch_up
from telemetry.series.window import Window
from telemetry.statements import statement
from telemetry.usage import quality_names

TABLES: Mapping[str, LiteralString] = {"15m": "telemetry_rollup_15m", "1d": "telemetry_rollup_1d"}
WRITERS: Mapping[str, Callable[..., Iterator[bytes]]] = {"csv": csv_lines, "parquet": parquet}
_BATCH_ROWS = 2000
PATIENCE_S = 10.0
LONGEST_S = 3600.0  # of one that is alone: its snapshot holds up what cleans the tables
LOCK = 7_346_003
_QUALITY = next(place for place, column in enumerate(COLUMNS["calls"]) if column.name == "quality")

Batch = Sequence[Sequence[Any]]


class CannotExportNow(RuntimeError):
    """It would work later; the text is a sentence for the person who asked."""


def export(
    conn: Connection[Any],
    *,
    project_id: int,
    window: Window,
    what: What,
    file_format: str,
    now: datetime,
    bucket: str = "15m",
    is_alone: bool = False,
) -> Generator[bytes]:
    """A file of `file_format` (in WRITERS) with the calls, or the rollups of `bucket` (in TABLES), of a window.

    Holds a transaction while it is iterated, which closing the iterator ends. Raises CannotExportNow before all pieces,
    with `is_alone` also where another such export of the project runs. Raises psycopg.Error.
    """
    if what == "rollups" and not catch_up(conn, project_id=project_id, now=now, patience=PATIENCE_S).is_clean:
        raise CannotExportNow("Calls that just came are still being added up; ask again in a moment.")
    arguments = {"project": project_id, "start": window.start, "end": window.end}
    with conn.transaction():
        if is_alone and not _take_turn(conn, project_id):
            raise CannotExportNow("Another export of this project is running; ask again when it has ended.")
        until = time.monotonic() + LONGEST_S if is_alone else float("inf")
        batches = export_calls(conn, arguments) if what == "calls" else export_rollups(conn, arguments, TABLES[bucket])
        with closing(_until(until, batches)) as in_time:
            yield from WRITERS[file_format](COLUMNS[what], in_time)


def export_calls(conn: Connection[Any], arguments: Mapping[str, Any]) -> Generator[Batch]:
    """Rows of COLUMNS["calls"]. Needs a transaction."""
    for batch in _batches(conn, sql.SQL(statement(__package__, "export_calls")), arguments):
        yield [(*row[:_QUALITY], _quality(row[_QUALITY]), *row[_QUALITY + 1 :]) for row in batch]


def export_rollups(conn: Connection[Any], arguments: Mapping[str, Any], table: LiteralString) -> Generator[Batch]:
    """Rows of COLUMNS["rollups"]. Needs a transaction."""
    query = sql.SQL(statement(__package__, "export_rollups")).format(table=sql.Identifier(table))
    yield from _batches(conn, query, arguments)


def _batches(conn: Connection[Any], query: sql.SQL | sql.Composed, arguments: Mapping[str, Any]) -> Iterator[Batch]:
    with conn.cursor("export", row_factory=tuple_row) as cursor:
        cursor.execute(query, arguments, binary=True)
        while batch := cursor.fetchmany(_BATCH_ROWS):
            yield batch


def _until(moment: float, batches: Generator[Batch]) -> Generator[Batch]:
    """Batches up to a moment of the monotonic clock. Raises TimeoutError."""
    with closing(batches):
        for batch in batches:
            if time.monotonic() > moment:
                raise TimeoutError(f"An export was still being read after {LONGEST_S:.0f} s.")
            yield batch


def _take_turn(conn: Connection[Any], project_id: int) -> bool:
    """Whether no other export of the project runs: each holds a thread of the web server while its reader reads."""
    row = conn.execute("SELECT pg_try_advisory_xact_lock(%s::int4, %s::int4)", (LOCK, project_id % 2**31)).fetchone()
    return row == (True,)


@cache
def _quality(bits: int) -> str:
    return " ".join(quality_names(bits))
