"""Computed costs anew: what calls cost by today's price table and overrides, each by its own date.

UTC day by UTC day, newest first, in pages, each written in a transaction of its own; so it may be stopped anywhere and
begun again. A page is read, what would change is locked, read again and written. Locks that somebody else holds are
not waited for but asked for again, so that ingest never waits for long and neither can be part of a deadlock.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from telemetry.contracts import Call
from telemetry.ledger import dirty
from telemetry.ledger.overrides import price_overrides
from telemetry.ledger.pricebook import ANY, PriceBook, book_of
from telemetry.ledger.pricing import MAX_NANOUSD, computed_nanousd
from telemetry.ledger.retention import project_retention
from telemetry.statements import statement
from telemetry.usage import input_total

PAGE = 5_000
ATTEMPTS = 200
PAUSE_S = 0.05
_FIRST_ID = UUID(int=0)


@dataclass(slots=True)
class Repriced:
    """What became of one model's calls whose computed cost changed; `had_none` of them had no price before,
    `have_none` have none now, and both count as 0 in the sums. `reported`: they show what somebody reported."""

    calls: int = 0
    before_nanousd: int = 0
    after_nanousd: int = 0
    had_none: int = 0
    have_none: int = 0
    reported: int = 0


@dataclass(slots=True)
class Report:
    """What repricing found: calls `seen`, changes by model, calls of the same cost from another price (`renamed`), and
    calls that somebody else was writing all the time (`held`): those are as they were."""

    seen: int = 0
    renamed: int = 0
    held: int = 0
    models: dict[str, Repriced] = field(default_factory=dict)

    def add(self, other: Report) -> None:
        """Add the report of another day."""
        self.seen, self.renamed, self.held = (
            self.seen + other.seen,
            self.renamed + other.renamed,
            other.held + self.held,
        )
        for model, more in other.models.items():
            mine = self.models.setdefault(model, Repriced())
            for name in Repriced.__slots__:
                setattr(mine, name, getattr(mine, name) + getattr(more, name))


@dataclass(frozen=True, slots=True)
class _Stored:
    """A stored call as far as its cost goes."""

    id: UUID
    started_at: datetime
    provider: str
    model: str
    service_tier: str
    input_uncached: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    cache_write_unknown: int
    output: int
    cost_computed_nanousd: int | None
    price_version: str
    is_reported: bool


@dataclass(frozen=True, slots=True)
class _Change:
    """A stored call and what it costs now."""

    call: _Stored
    cost: int | None
    version: str


@dataclass(frozen=True, slots=True)
class _Task:
    """Whose calls, of which models, in which part of one UTC day, by which prices."""

    project_id: int
    start: datetime
    end: datetime
    model: str
    book: PriceBook

    @property
    def arguments(self) -> dict[str, Any]:
        """What bounds its statements."""
        return {"project": self.project_id, "start": self.start, "end": self.end}


def reprice(
    conn: Connection[Any], *, project_id: int, start: datetime, end: datetime, model: str = "", dry_run: bool = False
) -> Iterator[tuple[datetime, Report]]:
    """Price the calls of [start, end) again, all or those of a model (`gpt-5*`: whose names begin so). Yields after
    each UTC day, newest first, where it begins and what changed. `dry_run` only says it. What may have expired stays,
    for its sums are final. Raises psycopg.Error."""
    book = book_of(price_overrides(conn), project_id=project_id)
    _, gone_before = project_retention(conn, project_id=project_id)
    start = max(start, gone_before or start)
    while start < end:
        midnight = datetime.combine((end - timedelta(microseconds=1)).astimezone(UTC), clock_time(), UTC)
        first = max(start, midnight)
        yield first, _reprice_day(conn, _Task(project_id, first, end, model, book), dry_run)
        end = first


def _reprice_day(conn: Connection[Any], task: _Task, dry_run: bool) -> Report:
    report, after, after_id, attempts = Report(), task.start, _FIRST_ID, 0
    while page := calls_to_price(conn, task, after=after, after_id=after_id):
        wanted = _changes(page, task.book)
        done = wanted if dry_run else _write(conn, task, [change.call for change in wanted])
        _note(report, done)
        if len(done) < len(wanted) and attempts < ATTEMPTS:
            attempts += 1
            time.sleep(PAUSE_S)
            continue
        report.held += len(wanted) - len(done)
        report.seen += len(page)
        after, after_id = page[-1].started_at, page[-1].id
    return report


def _write(conn: Connection[Any], task: _Task, calls: Sequence[_Stored]) -> list[_Change]:
    """Write the costs of those calls, given in order of time, that nobody else holds; they are priced as they are under
    the lock. Only their part of the day is looked at, or each page would read the whole day again."""
    if not calls:
        return []
    span = replace(task, start=calls[0].started_at, end=calls[-1].started_at + timedelta(microseconds=1))
    with conn.transaction():
        locked = lock_calls(conn, span, ids=[call.id for call in calls])
        changes = _changes(locked, task.book)
        write_prices(conn, span, changes=changes)
        dirty.mark(conn, project_id=task.project_id, moments=[change.call.started_at for change in changes])
    return changes


def calls_to_price(conn: Connection[Any], task: _Task, *, after: datetime, after_id: UUID) -> list[_Stored]:
    """The next PAGE calls of the task after (`after`, `after_id`)."""
    literal = task.model.removesuffix(ANY).replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    pattern = literal + ("%" if task.model.endswith(ANY) or not task.model else "")
    arguments = task.arguments | {"after": after, "after_id": after_id, "model": pattern, "limit": PAGE}
    with conn.cursor(row_factory=class_row(_Stored)) as cursor:
        return cursor.execute(statement(__package__, "calls_to_price"), arguments).fetchall()


def lock_calls(conn: Connection[Any], task: _Task, *, ids: Sequence[UUID]) -> list[_Stored]:
    """Lock those of the calls that nobody else holds, and read them again."""
    with conn.cursor(row_factory=class_row(_Stored)) as cursor:
        return cursor.execute(statement(__package__, "lock_calls"), task.arguments | {"ids": list(ids)}).fetchall()


def write_prices(conn: Connection[Any], task: _Task, *, changes: Sequence[_Change]) -> None:
    """Write what locked calls cost now."""
    if not changes:
        return
    arguments = task.arguments | {
        "ids": [change.call.id for change in changes],
        "moments": [change.call.started_at for change in changes],
        "costs": [change.cost for change in changes],
        "versions": [change.version for change in changes],
    }
    conn.execute(statement(__package__, "write_prices"), arguments)


def _changes(calls: Sequence[_Stored], book: PriceBook) -> list[_Change]:
    """The calls whose cost or price version is not what it would be today."""
    changes = []
    for stored in calls:
        call = Call(
            started_at=stored.started_at,
            model=stored.model,
            provider=stored.provider,
            service_tier=stored.service_tier,
            input_uncached=stored.input_uncached,
            cache_read=stored.cache_read,
            cache_write_5m=stored.cache_write_5m,
            cache_write_1h=stored.cache_write_1h,
            cache_write_unknown=stored.cache_write_unknown,
            output=stored.output,
        )
        cost, version = computed_nanousd(call, input_total(call), book)
        is_countable = cost is None or cost <= MAX_NANOUSD
        if is_countable and (cost, version) != (stored.cost_computed_nanousd, stored.price_version):
            changes.append(_Change(stored, cost, version))
    return changes


def _note(report: Report, changes: Sequence[_Change]) -> None:
    for change in changes:
        before = change.call.cost_computed_nanousd
        if change.cost == before:
            report.renamed += 1
            continue
        model = report.models.setdefault(change.call.model, Repriced())
        model.calls += 1
        model.before_nanousd += before or 0
        model.after_nanousd += change.cost or 0
        model.had_none += before is None
        model.have_none += change.cost is None
        model.reported += change.call.is_reported
