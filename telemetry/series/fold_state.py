"""What is marked, and how far a project is folded: the small statements around a fold.

None joins a table of projects with one that Citus cuts by project.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, scalar_row, tuple_row

from telemetry.series.buckets import EVER
from telemetry.statements import statement

DEFAULT_ZONE = "UTC"


@dataclass(frozen=True, slots=True)
class State:
    """How far a project is folded. Its days are cut in `zone`; its minutes from `minutes_from_at` on are complete;
    `fold_ms` is what the fold at `folded_at` took."""

    project_id: int
    zone: str
    minutes_from_at: datetime
    folded_at: datetime
    newest_call_at: datetime | None
    fold_ms: int

    @property
    def took(self) -> timedelta:
        """What the last fold took."""
        return timedelta(milliseconds=self.fold_ms)


def fold_state(conn: Connection[Any], *, project_id: int) -> State | None:
    """How far a project is folded; None where it never was."""
    with conn.cursor(row_factory=class_row(State)) as cursor:
        return cursor.execute(statement(__package__, "fold_state"), {"project": project_id}).fetchone()


def fold_states(conn: Connection[Any]) -> dict[int, State]:
    """How far projects are folded, by their ids."""
    with conn.cursor(row_factory=class_row(State)) as cursor:
        return {state.project_id: state for state in cursor.execute(statement(__package__, "fold_states"))}


def project_zone(conn: Connection[Any], *, project_id: int) -> str:
    """The zone that a project wants its days to be cut in."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        zone = cursor.execute(statement(__package__, "project_zone"), {"project": project_id}).fetchone()
    return zone or DEFAULT_ZONE


def project_zones(conn: Connection[Any]) -> list[tuple[int, str]]:
    """The id and the zone of each project."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(statement(__package__, "project_zones")).fetchall()


def marked_projects(conn: Connection[Any]) -> set[int]:
    """The projects in which something waits to be folded."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return set(cursor.execute(statement(__package__, "marked_projects")).fetchall())


def newest_mark(conn: Connection[Any], *, project_id: int) -> int:
    """The newest mark of a project; 0 where there is none."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return int(cursor.execute(statement(__package__, "newest_mark"), {"project": project_id}).fetchone() or 0)


def take_dirty(conn: Connection[Any], *, project_id: int, until: int, most: int) -> set[datetime]:
    """Take marks of a project, of the newest UTC day that has some; none newer than `until`. The minutes they name."""
    arguments = {"project": project_id, "until": until, "most": most}
    with conn.cursor(row_factory=scalar_row) as cursor:
        marks = cursor.execute(statement(__package__, "take_dirty"), arguments).fetchall()
    return {minute.astimezone(UTC) for minutes in marks for minute in minutes}


def is_marked(conn: Connection[Any], *, project_id: int, until: int) -> bool:
    """Whether a project has marks, none newer than `until`."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        arguments = {"project": project_id, "until": until}
        return bool(cursor.execute(statement(__package__, "is_marked"), arguments).fetchone())


def quarter_range(conn: Connection[Any], *, project_id: int) -> tuple[datetime, datetime] | None:
    """The oldest and the newest quarter of an hour that a project's rollups hold."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        return _range(cursor.execute(statement(__package__, "quarter_range"), {"project": project_id}).fetchone())


def recorded_range(conn: Connection[Any], *, project_id: int) -> tuple[datetime, datetime] | None:
    """The first and the last moment of which a project holds anything."""
    arguments = {"project": project_id, "start": EVER[0], "end": EVER[1]}
    with conn.cursor(row_factory=tuple_row) as cursor:
        return _range(cursor.execute(statement(__package__, "recorded_range"), arguments).fetchone())


def write_state(
    conn: Connection[Any],
    *,
    project_id: int,
    zone: str,
    minutes_from_at: datetime,
    folded_at: datetime,
    took: timedelta,
) -> None:
    """Note how far a project is folded."""
    arguments = {
        "project": project_id,
        "zone": zone,
        "minutes_from_at": minutes_from_at,
        "folded_at": folded_at,
        "fold_ms": _milliseconds(took),
    }
    conn.execute(statement(__package__, "write_state"), arguments)


def put_off(
    conn: Connection[Any], *, project_id: int, minutes_from_at: datetime, folded_at: datetime, took: timedelta
) -> None:
    """Note that a fold failed; `minutes_from_at` is for one that was never folded."""
    arguments = {
        "project": project_id,
        "zone": DEFAULT_ZONE,
        "minutes_from_at": minutes_from_at,
        "folded_at": folded_at,
        "fold_ms": _milliseconds(took),
    }
    conn.execute(statement(__package__, "put_off"), arguments)


def _milliseconds(took: timedelta) -> int:
    return took // timedelta(milliseconds=1)


def _range(row: tuple[datetime | None, datetime | None] | None) -> tuple[datetime, datetime] | None:
    first, last = row or (None, None)
    return None if first is None or last is None else (first, last)
