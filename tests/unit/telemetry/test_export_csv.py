"""Exports as CSV: what a machine reads back is what went in, and a spreadsheet runs nothing of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from telemetry.exporter.columns import CALLS, COLUMNS, ROLLUPS, Column
from telemetry.exporter.csv_lines import INCOMPLETE, csv_lines

THREE = (Column("at", "moment", ""), Column("word", "text", ""), Column("n", "integer", "", optional=True))
NOON = datetime(2026, 11, 20, 12, 0, 0, 500_000, tzinfo=UTC)


def read(pieces: Iterator[bytes]) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(pieces).decode(), newline="")))


def test_a_row_is_a_line_under_the_columns_names() -> None:
    rows = [(NOON, 'a "b", c\nd', 2**63 - 1), (NOON, "", None)]
    assert read(csv_lines(THREE, [rows])) == [
        ["at", "word", "n"],
        ["2026-11-20T12:00:00.500000Z", 'a "b", c\nd', "9223372036854775807"],
        ["2026-11-20T12:00:00.500000Z", "", ""],
    ]


def test_moments_of_any_zone_are_utc() -> None:
    kolkata = NOON.astimezone(timezone(timedelta(hours=5.5)))
    assert read(csv_lines(THREE, [[(kolkata, "", None)]]))[1][0] == "2026-11-20T12:00:00.500000Z"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_words_that_a_spreadsheet_would_run_are_quoted_and_figures_are_not(start: str) -> None:
    words = f"{start}HYPERLINK(1)"
    assert read(csv_lines(THREE, [[(NOON, words, -5)]]))[1][1:] == [f"'{words}", "-5"]


def test_nothing_but_the_names_where_there_are_no_rows() -> None:
    assert read(csv_lines(THREE, [])) == [["at", "word", "n"]]


def test_an_export_that_breaks_off_says_so_in_its_last_line() -> None:
    """A web server ends a broken answer as it ends a whole one."""

    def breaking() -> Iterator[list[tuple[Any, ...]]]:
        yield [(NOON, "a", 1)]
        raise ConnectionError

    pieces = csv_lines(THREE, breaking())
    assert read(iter([next(pieces), next(pieces)]))[-1] == [INCOMPLETE]
    with pytest.raises(ConnectionError):
        next(pieces)


def test_one_piece_a_batch_so_that_memory_does_not_grow() -> None:
    pieces = csv_lines(THREE, ([(NOON, "a", n)] for n in range(3)))
    assert next(pieces).count(b"\r\n") == 2
    assert [piece.count(b"\r\n") for piece in pieces] == [1, 1, 0]


def test_every_column_is_named_once_and_explained() -> None:
    for columns in COLUMNS.values():
        assert len({column.name for column in columns}) == len(columns)
        assert all(column.doc for column in columns)
    assert {"input_uncached", "cache_read", "output", "cost_nanousd"} <= {c.name for c in CALLS} & {
        c.name for c in ROLLUPS
    }


def test_export_md_explains_every_column() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "export.md").read_text("utf-8")
    told = [
        tuple(cell.strip() for cell in line.strip("| ").split(" | ")) for line in page.splitlines() if "| `" in line
    ]
    nothing = " or nothing"
    columns = [column for columns in COLUMNS.values() for column in columns]
    assert told == [(f"`{one.name}`", one.kind + nothing * one.optional, one.doc) for one in columns]
