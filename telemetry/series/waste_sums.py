"""WASTE: what anomalies come to is kept by quarter of an hour and by day, so that pages read sums and no anomaly.

    anomalies are written, judged by people or gone ─▶ their quarters are made anew ─▶ the days that hold them

All in the transaction that changes them, under the lock of whoever judges the project, so that no other comes between
and what a page says of waste is what its anomalies say. Nothing is ever added to a row: making one anew is harmless.
Days are those of UTC, so that no change of a zone touches them: a range in any zone is whole ones and quarters of an
hour around them. All anomalies of a run bear its labels and its moment, so that a run lies in one bucket of one series.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString, NamedTuple
from zoneinfo import ZoneInfo

from psycopg import Connection, sql
from psycopg.rows import tuple_row

from telemetry.ledger import dirty
from telemetry.series import plan
from telemetry.series.buckets import QUARTER, floor
from telemetry.series.plan import Table
from telemetry.series.rollup_tables import DIGEST
from telemetry.series.rows import rollup_rows
from telemetry.series.window import quarter_of
from telemetry.statements import statement

LABELS: tuple[LiteralString, ...] = ("agent", "model", "task_type")  # what brief rollups leave out
FOUND: tuple[LiteralString, ...] = ("detector", "severity", "state")
SUMS: tuple[LiteralString, ...] = ("anomalies", "tokens_wasted", "tokens_once")
_DAY = timedelta(days=1)
_UTC = ZoneInfo("UTC")
_comma = sql.SQL(", ")


@dataclass(frozen=True, slots=True)
class _Rollup:
    """A table of sums by `dimensions` in buckets of a width, and the one that its rows are made of; None: anomalies."""

    table: Table
    source: Table | None
    width: timedelta
    dimensions: tuple[LiteralString, ...]


_QUARTERS = _Rollup("rollup_waste_15m", None, QUARTER, (*LABELS, *FOUND))
_BRIEF_QUARTERS = _Rollup("rollup_waste_brief_15m", _QUARTERS.table, QUARTER, FOUND)
_DAYS = _Rollup("rollup_waste_1d", _QUARTERS.table, _DAY, _QUARTERS.dimensions)
_BRIEF_DAYS = _Rollup("rollup_waste_brief_1d", _BRIEF_QUARTERS.table, _DAY, FOUND)
_ROLLUPS = (_QUARTERS, _BRIEF_QUARTERS, _DAYS, _BRIEF_DAYS)  # each after what it is made of


class Waste(NamedTuple):
    """The anomalies of a bucket (its place in a window, from 1 on) that are alike: how many, what they wasted by their
    own figures, and the same where none is above what its run came to. `detector` '': runs, each once."""

    place: int
    detector: str
    severity: str
    state: str
    anomalies: int
    tokens_wasted: int
    tokens_once: int


def remake(conn: Connection[Any], *, project_id: int, moments: Collection[datetime]) -> None:
    """Make the sums anew of the buckets that hold moments at which runs began whose anomalies changed: before and after
    the change, where it moved one. In the transaction of the change, under the lock of judging."""
    for rollup in _ROLLUPS if moments else ():
        buckets = sorted({floor(moment, rollup.width) for moment in moments})
        write_waste(conn, rollup, project_id=project_id, buckets=buckets)


def rebuild(conn: Connection[Any], *, project_id: int, start: datetime, end: datetime) -> None:
    """Make the sums of a span of time anew, quarter by quarter, whatever changed. In a transaction."""
    dirty.lock_judging(conn, project_id=project_id)
    first = floor(start, QUARTER)
    remake(conn, project_id=project_id, moments=[first + n * QUARTER for n in range(-((first - end) // QUARTER))])


def is_kept(edges: Sequence[datetime], filters: Mapping[str, Sequence[str]] | None) -> bool:
    """Whether the rollups answer a question: it is narrowed by what they keep, and none of its edges lies inside a
    quarter of an hour."""
    return {*(filters or {})} <= {*LABELS, *FOUND} and all(quarter_of(edge) == edge for edge in edges)


def waste_by(
    conn: Connection[Any],
    *,
    project_id: int,
    edges: Sequence[datetime],
    filters: Mapping[str, Sequence[str]] | None = None,
) -> list[Waste]:
    """The sums of each bucket that begins at one of `edges`, the last of which is the end; what is empty is left out.
    To be asked only where `is_kept`."""
    filters = filters or {}
    quarters, days = (_QUARTERS, _DAYS) if {*filters} & {*LABELS} else (_BRIEF_QUARTERS, _BRIEF_DAYS)
    arguments: dict[str, Any] = {"project": project_id, "edges": list(edges[:-1])}
    parts: list[sql.Composable] = []
    for number, piece in enumerate(plan.cut(edges, _UTC, quarters=quarters.table, days=days.table)):
        parts.append(rollup_rows(piece, number, columns=(*quarters.dimensions, *SUMS)))
        arguments |= {f"from_{number}": piece.start, f"to_{number}": piece.end}
    query = sql.SQL(statement(__package__, "waste_by")).format(
        rows=sql.SQL("({}) AS waste").format(sql.SQL(" UNION ALL ").join(parts)),
        filters=sql.SQL(" ").join(
            sql.SQL("AND {} = ANY({})").format(sql.Identifier(name), sql.Placeholder(f"filter_{name}"))
            for name in filters
        ),
    )
    arguments |= {f"filter_{name}": list(values) for name, values in filters.items()}
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, arguments).fetchall()
    return [Waste._make((*found, int(wasted), int(once))) for *found, wasted, once in rows]


def write_waste(conn: Connection[Any], rollup: _Rollup, *, project_id: int, buckets: Sequence[datetime]) -> None:
    """Make buckets of a rollup anew."""
    dimensions = _comma.join(map(sql.Identifier, rollup.dimensions))
    query = sql.SQL(statement(__package__, "write_waste")).format(
        table=sql.Identifier(f"telemetry_{rollup.table}"),
        dimensions=dimensions,
        series=DIGEST.format(dimensions),
        source=waste_of_rollup(rollup.source, dimensions) if rollup.source else waste_of_anomalies(),
    )
    conn.execute(query, {"project": project_id, "buckets": list(buckets), "width": rollup.width})


def waste_of_anomalies() -> sql.Composed:
    """What a quarter of an hour is made of."""
    return sql.SQL(statement(__package__, "waste_of_anomalies")).format()


def waste_of_rollup(source: Table, dimensions: sql.Composable) -> sql.Composed:
    """What the buckets of any other rollup are made of."""
    return sql.SQL(statement(__package__, "waste_of_rollup")).format(
        table=sql.Identifier(f"telemetry_{source}"), dimensions=dimensions
    )
