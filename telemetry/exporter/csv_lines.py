"""CSV (RFC 4180) that a spreadsheet can open without running what agents wrote. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from telemetry.exporter.columns import Column

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
INCOMPLETE = "INCOMPLETE: the export ended before its end; ask again"


def csv_lines(columns: Sequence[Column], batches: Iterable[Sequence[Sequence[Any]]]) -> Iterator[bytes]:
    """A line of names, then the rows, a piece a batch. Moments are ISO 8601 in UTC; None is an empty field.

    Where reading fails, the last line says so before the error goes on: a cut file of CSV looks like a whole one.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    texts = [place for place, column in enumerate(columns) if column.kind == "text"]
    moments = [place for place, column in enumerate(columns) if column.kind == "moment"]
    writer.writerow(column.name for column in columns)
    try:
        for batch in batches:
            for row in batch:
                cells = list(row)
                for place in texts:
                    if (text := cells[place]) and text[0] in _FORMULA_STARTS:
                        cells[place] = harmless(text)
                for place in moments:
                    cells[place] = cells[place] and _moment(cells[place])
                writer.writerow(cells)
            yield _taken(out)
    except Exception:
        writer.writerow([INCOMPLETE])
        yield _taken(out)
        raise
    yield _taken(out)


def harmless(value: str) -> str:
    """Words that a spreadsheet would run as a formula are quoted for it (OWASP, CSV injection)."""
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _taken(out: io.StringIO) -> bytes:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text.encode()
