"""The overrides as this process knows them: a snapshot that is a second old at most.

Ingest asks for a project's price book at every batch. Once a second that costs one read of one number, which a trigger
renews with every change of the overrides; only when it differs are the overrides read again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection
from psycopg.rows import scalar_row, tuple_row

from telemetry.ledger.pricebook import Override, PriceBook, Rates, book_of
from telemetry.statements import statement

RECHECK_S = 1.0


@dataclass(slots=True)
class _Snapshot:
    """What was read at revision `number`, when that was last true (on the monotonic clock), and books made of it."""

    number: int
    checked_at: float
    overrides: list[Override]
    books: dict[int, PriceBook] = field(default_factory=dict)


_snapshots: dict[str, _Snapshot] = {}


def book_for(conn: Connection[Any], *, project_id: int) -> PriceBook:
    """The price book of a project; what was changed a second ago is in it. Raises psycopg.Error."""
    server = f"{conn.info.host}:{conn.info.port}/{conn.info.dbname}"
    snapshot = _snapshots.get(server)
    if snapshot is None or time.monotonic() - snapshot.checked_at > RECHECK_S:
        snapshot = _snapshots[server] = _checked(conn, snapshot)
    book = snapshot.books.get(project_id)
    if book is None:
        book = snapshot.books[project_id] = book_of(snapshot.overrides, project_id=project_id)
    return book


def forget() -> None:
    """Look again at the next batch of this process: an override was changed here."""
    _snapshots.clear()


def _checked(conn: Connection[Any], known: _Snapshot | None) -> _Snapshot:
    """The snapshot where nothing has changed, else a new one. The number is read first: what changes between the two
    reads is seen at the next check at the latest."""
    checked_at, number = time.monotonic(), price_revision(conn)
    if known is not None and known.number == number:
        known.checked_at = checked_at
        return known
    return _Snapshot(number, checked_at, price_overrides(conn))


def price_revision(conn: Connection[Any]) -> int:
    """The transaction that last changed an override; 0 where none was ever set."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return int(cursor.execute(statement(__package__, "price_revision")).fetchone() or 0)


def price_overrides(conn: Connection[Any]) -> list[Override]:
    """All overrides."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(statement(__package__, "price_overrides")).fetchall()
    return [
        Override(id_, project, provider, model, first, last, Rates(-1, *rates))
        for id_, project, provider, model, first, last, *rates in rows
    ]
