"""The rows that a question sums: those of calls and those of rollups look alike, so one statement serves a question.

Each row bears the dimensions and the sums of what it stands for: a call, or all calls of a bucket that are alike.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from psycopg import Connection, sql
from psycopg.rows import scalar_row, tuple_row

from telemetry.series import narrowing, plan
from telemetry.series.histogram import EDGES
from telemetry.series.plan import Piece
from telemetry.series.window import time_zone
from telemetry.statements import statement

MEASURES: tuple[LiteralString, ...] = (
    "calls",
    "input_uncached",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "cache_write_unknown",
    "output",
    "reasoning",
    "cost_nanousd",
    "unpriced_calls",
    "compared_calls",
    "compared_reported_nanousd",
    "compared_computed_nanousd",
)
HISTOGRAMS = ("duration_bins", "duration_counts", "tokens_bins", "tokens_counts")


def rows_between(
    conn: Connection[Any],
    *,
    project_id: int,
    edges: Sequence[datetime],
    dimensions: Collection[str],
    filters: Mapping[str, Sequence[str]] | None = None,
    histograms: bool = False,
) -> tuple[sql.Composed, dict[str, Any]]:
    """The rows of a project between the first and the last of `edges`, none of which spans one of the others, as
    something to select from, and its arguments. `dimensions` are those that the question groups or filters by; rows
    that `filters` do not let through may be left out."""
    zone, newest_call_at = None, None
    if plan.may_read_days(edges) and not plan.reads_calls(dimensions, edges, histograms=histograms):
        zone, newest_call_at = folded(conn, project_id=project_id)
    parts: list[sql.Composable] = []
    arguments: dict[str, Any] = {"project": project_id}
    found = plan.pieces(
        edges,
        dimensions,
        time_zone(zone) if zone else None,
        newest_call_at=newest_call_at,
        histograms=histograms,
    )
    for number, piece in enumerate(found):
        if piece.table == "call":
            parts.append(call_rows())
            part = narrowing.narrowed(conn, piece, project_id=project_id, filters=filters)
            arguments |= {"start": part.start, "end": part.end, "bin_edges": list(EDGES)}
        else:
            parts.append(rollup_rows(piece, number, columns=_columns(piece, histograms=histograms)))
            arguments |= {f"from_{number}": piece.start, f"to_{number}": piece.end}
    return sql.SQL("({}) AS usage").format(sql.SQL(" UNION ALL ").join(parts)), arguments


def call_rows() -> sql.Composed:
    """Calls between `start` and `end`, a row each."""
    return sql.SQL(statement(__package__, "call_rows")).format()


def rollup_rows(piece: Piece, number: int, *, columns: Sequence[str]) -> sql.Composed:
    """The rows of a rollup in the piece of that number."""
    return sql.SQL(statement(__package__, "rollup_rows")).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        table=sql.Identifier(f"telemetry_{piece.table}"),
        start=sql.Placeholder(f"from_{number}"),
        end=sql.Placeholder(f"to_{number}"),
    )


def _columns(piece: Piece, *, histograms: bool) -> tuple[str, ...]:
    """What a question reads of a rollup of calls: its dimensions, and its sums."""
    kept = plan.BRIEF if "brief" in piece.table else plan.KEPT
    session = ("session_id",) if "session" in piece.table else ()
    return (*kept, *session, *MEASURES, *(HISTOGRAMS if histograms else ()))


def folded(conn: Connection[Any], *, project_id: int) -> tuple[str | None, datetime | None]:
    """The zone that a project's daily rows are cut in, and its newest call that rollups know; None before there is
    one."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(statement(__package__, "folded"), {"project": project_id}).fetchone() or (None, None)


def waiting_minutes(conn: Connection[Any], *, project_id: int) -> int:
    """How many minutes hold calls that no rollup knows yet; only a lower bound where it is in the thousands."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return int(cursor.execute(statement(__package__, "waiting_minutes"), {"project": project_id}).fetchone() or 0)
