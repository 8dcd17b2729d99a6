"""The one way in: a batch of records becomes rows, each call counted once, in one transaction.

    believe the time ─▶ identify, price, rank ─▶ claim identities ─▶ join names ─▶ executions ─▶ COPY calls
      ─▶ sessions ─▶ commit

What returns after the commit is durable. Sending the same batch again, in parallel or over midnight, adds nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.errors import CheckViolation, DeadlockDetected, InternalError_, UniqueViolation
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from telemetry.contracts import Call, Execution, Receipt, Rejection
from telemetry.ledger import aliases, dirty, partitions, sessions, store, told
from telemetry.ledger import executions as runs
from telemetry.ledger.entries import entries_of, entry_of
from telemetry.ledger.overrides import book_for
from telemetry.ledger.pricebook import PriceBook
from telemetry.ledger.retention import Kept, kept
from telemetry.ledger.rows import LABELS, Entry, Fields, fields_of
from telemetry.statements import prepared, statement

EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=5)
_ATTEMPTS = 3
_repeating: set[tuple[int, str]] = set()
_RECORD = Call | Execution


@dataclass(slots=True)
class _Batch:
    """A batch on its way: what may be stored, what is set apart, what is refused. `totals` are the calls that stand
    for the totals of executions, each with its execution's key; `calls` counts those that `entries` hold, and
    `has_names` says whether one of them has other names; `fields` are theirs in their order, where each is there once.
    """

    book: PriceBook
    kept: Kept
    entries: dict[bytes, Entry] = field(default_factory=dict)
    fields: Fields | None = None
    executions: list[Execution] = field(default_factory=list)
    totals: list[tuple[str, Entry]] = field(default_factory=list)
    strange: list[tuple[_RECORD, str]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    calls: int = 0
    has_names: bool = False


def ingest(
    conn: Connection[Any],
    *,
    project_id: int,
    calls: Sequence[Call] = (),
    executions: Sequence[Execution] = (),
    source: str,
    now: datetime,
) -> Receipt:
    """Store a batch. Rejections count calls first, then executions, in the order given. Raises psycopg.Error where
    the database cannot take it; then nothing of the batch is stored."""
    since = kept(conn, project_id=project_id, now=now)
    batch = _sorted_out(calls, executions, now, since=since, book=book_for(conn, project_id=project_id))
    is_new = (project_id, source) not in _repeating  # a source that sends things again is likely to go on
    for attempt in range(_ATTEMPTS):
        try:
            receipt = _write(conn, project_id, batch, source, now, is_new=is_new)
        except UniqueViolation:
            is_new = False
        except CheckViolation:  # a partition that was known has been dropped since
            partitions.forget(conn)
        except InternalError_:  # Citus: a shard refused a row, and of the reason only the words are passed on
            if attempt == _ATTEMPTS - 1:
                raise
            is_new = False
            partitions.forget(conn)
        except (DeadlockDetected, store.Moved):
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            (_repeating.add if receipt.duplicates else _repeating.discard)((project_id, source))
            return receipt
    return _write(conn, project_id, batch, source, now, is_new=False)


def unbelievable_time(moment: datetime, now: datetime) -> str:
    """Why a record of that time is set apart, or "" where it is believed."""
    if moment < EARLIEST:
        return "its time is before 2020"
    if moment > now + AHEAD:
        return "its time is more than 5 minutes ahead"
    return ""


def _sorted_out(
    calls: Sequence[Call], executions: Sequence[Execution], now: datetime, *, since: Kept, book: PriceBook
) -> _Batch:
    """Believe, identify, price and rank. Of two copies of a call in one batch the fuller stays."""
    batch = _Batch(book, since)
    earliest, latest = max(EARLIEST, since.from_at), now + AHEAD
    if not _take_all(batch, calls, earliest, latest):
        _take_each(batch, calls, earliest, latest, now)
    for index, execution in enumerate(executions, len(calls)):
        if not earliest <= execution.started_at <= latest:
            _keep_out(batch, index, execution, execution.execution_id or execution.task_id, now)
            continue
        total = runs.total_call(execution)
        try:
            if total is not None:
                batch.totals.append((total.execution_id, entry_of(total, book=book)))
        except ValueError as error:
            batch.rejected.append(Rejection(index, execution.execution_id or execution.task_id, str(error)))
            continue
        batch.executions.append(execution)
    return batch


def _take_all(batch: _Batch, calls: Sequence[Call], earliest: datetime, latest: datetime) -> bool:
    """Take all calls at once, where every one of them is believed, can be stored, and is there once."""
    if not all(earliest <= call.started_at <= latest for call in calls):
        return False
    if not calls:
        return True
    fields = fields_of(calls)
    try:
        entries = entries_of(calls, fields, book=batch.book)
    except ValueError:
        return False
    batch.fields = fields
    batch.entries = {entry.id: entry for entry in entries}
    batch.calls = len(calls)
    batch.has_names = any(fields["aliases"]) or any(fields["likeness"])
    return len(batch.entries) == len(calls)


def _take_each(batch: _Batch, calls: Sequence[Call], earliest: datetime, latest: datetime, now: datetime) -> None:
    """Take calls one by one: each that is refused for its own reason; of two copies the fuller stays."""
    batch.entries, batch.fields, batch.calls, batch.has_names = {}, None, 0, False
    for index, call in enumerate(calls):
        if not earliest <= call.started_at <= latest:
            _keep_out(batch, index, call, call.id, now)
            continue
        try:
            entry = entry_of(call, book=batch.book)
        except ValueError as error:
            batch.rejected.append(Rejection(index, call.id, str(error)))
            continue
        known = batch.entries.get(entry.id)
        batch.entries[entry.id] = entry if known is None else _fuller(known, entry, batch.book)
        batch.calls += 1
        if call.aliases or call.likeness:
            batch.has_names = True


def _keep_out(batch: _Batch, index: int, record: _RECORD, name: str, now: datetime) -> None:
    """Set a record apart whose time cannot be believed; refuse one that is older than what is kept, for it would be
    dropped at once, and its day's sums are final."""
    reason = unbelievable_time(record.started_at, now)
    if reason:
        batch.strange.append((record, reason))
    else:
        batch.rejected.append(Rejection(index, name, batch.kept.reason))


def _fuller(first: Entry, second: Entry, book: PriceBook) -> Entry:
    """The fuller of two copies in one batch, at the time of the first, with the better cost and what only one bears."""
    is_second = _fullness(second) > _fullness(first)
    fuller, other = (second, first) if is_second else (first, second)
    changes: dict[str, Any] = {"started_at": first.call.started_at}
    changes["aliases"] = tuple(dict.fromkeys((*fuller.call.aliases, *other.call.aliases)))
    for label in (*LABELS, "likeness"):
        if not getattr(fuller.call, label):
            changes[label] = getattr(other.call, label)
    for measured in ("duration_ms", "ttft_ms"):
        if getattr(fuller.call, measured) is None:
            changes[measured] = getattr(other.call, measured)
    if other.call.attributes:
        changes["attributes"] = {**other.call.attributes, **(fuller.call.attributes or {})}
    if other.cost_rank > fuller.cost_rank:
        changes |= {"cost_usd": Decimal(other.reported or 0) / 10**9, "cost_kind": other.call.cost_kind}
    merged = entry_of(msgspec.structs.replace(fuller.call, **changes), book=book)
    return msgspec.structs.replace(merged, id=first.id)


def _fullness(entry: Entry) -> tuple[int, int]:
    """As merge_calls.sql compares copies."""
    return entry.usage_rank, -entry.call.cache_write_unknown


def _write(
    conn: Connection[Any], project_id: int, batch: _Batch, source: str, now: datetime, *, is_new: bool
) -> Receipt:
    """One transaction. Raises UniqueViolation where `is_new` and something is known."""
    entries = sorted(batch.entries.values(), key=attrgetter("id"))
    partitions.ensure(conn, _days(entries, batch.executions), now=now)
    calls = [entry.call for entry in entries]
    spans = sessions.spans_of(calls)
    news = told.news(project_id, spans, now=now)
    with conn.transaction():
        sessions.lock(conn, project_id=project_id, sessions=spans, executions=batch.executions)
        fresh, known = _claim(conn, project_id, batch, entries, source, is_new=is_new)
        written = runs.write(
            conn,
            project_id=project_id,
            calls=calls,
            executions=batch.executions,
            stored=[(one.entry.call.execution_id, one.started_at) for one in known],
            source=source,
            kept_from=batch.kept.from_at,
            now=now,
        )
        totals = store.claim_identities(conn, project_id=project_id, entries=_totals(batch, written.with_calls))
        new = [*fresh, *(one.entry for one in totals if one.is_fresh)] if totals else fresh
        by_column = (list(batch.entries.values()), batch.fields) if new is entries else (new, None)
        store.write_calls(conn, *by_column, project_id=project_id, source=source, now=now)
        known += [one for one in totals if not one.is_fresh]
        known = [one for one in known if one.started_at >= batch.kept.from_at]  # the others are final, or gone
        store.merge_entries(conn, project_id=project_id, claimed=known, source=source, now=now)
        sessions.touch(conn, project_id=project_id, spans=news)
        dirty.mark(conn, project_id=project_id, moments=_changed(new, known, written))
        quarantine(conn, project_id=project_id, records=batch.strange, source=source, now=now)
    if conn.info.transaction_status is TransactionStatus.IDLE:  # else it may still be rolled back
        told.remember(project_id, news, now=now)
    return Receipt(
        accepted=len(fresh) + written.changed,
        duplicates=batch.calls - len(fresh) + len(batch.executions) - written.changed,
        quarantined=len(batch.strange),
        rejected=tuple(batch.rejected),
    )


def _days(entries: Sequence[Entry], executions: Sequence[Execution]) -> set[date]:
    """The UTC days of a batch."""
    moments = [entry.call.started_at for entry in entries] + [one.started_at for one in executions]
    return {(moment if moment.tzinfo is UTC else moment.astimezone(UTC)).date() for moment in moments}


def _changed(new: list[Entry], known: list[store.Claimed], written: runs.Written) -> Iterator[datetime]:
    """The moments of all that is not what it was: a copy changes the call that it belongs to, where that lives."""
    yield from (entry.call.started_at for entry in new)
    yield from (one.started_at for one in known)
    yield from written.moments


def _claim(
    conn: Connection[Any], project_id: int, batch: _Batch, entries: list[Entry], source: str, *, is_new: bool
) -> tuple[list[Entry], list[store.Claimed]]:
    """The entries that are new calls, and those that belong to a known one and bring something."""
    if is_new:
        store.write_identities(conn, project_id=project_id, entries=entries)
        if not batch.has_names:
            return entries, []
        claimed = [store.Claimed(entry, entry.id, entry.call.started_at, True) for entry in entries]
    else:
        claimed = store.claim_identities(conn, project_id=project_id, entries=entries)
    if batch.has_names:
        claimed = aliases.join_names(
            conn,
            project_id=project_id,
            entries=entries,
            claimed=claimed,
            source=source,
            kept_from=batch.kept.from_at,
        )
    return [one.entry for one in claimed if one.is_fresh], [one for one in claimed if not one.is_fresh]


def _totals(batch: _Batch, with_calls: set[str]) -> list[Entry]:
    """The totals of executions that have no calls of their own, sorted by id, each once."""
    totals: dict[bytes, Entry] = {}
    for key, entry in batch.totals:
        if key not in with_calls:
            known = totals.get(entry.id)
            totals[entry.id] = entry if known is None else _fuller(known, entry, batch.book)
    return sorted(totals.values(), key=attrgetter("id"))


def quarantine(
    conn: Connection[Any], *, project_id: int, records: Sequence[tuple[_RECORD, str]], source: str, now: datetime
) -> None:
    """Keep records apart, each with its reason."""
    if not records:
        return
    encoded = [msgspec.json.encode(record) for record, _ in records]
    arguments = {
        "project": project_id,
        "source": source,
        "now": now,
        "digests": [hashlib.sha256(text).digest() for text in encoded],
        "reasons": [reason for _, reason in records],
        "records": [Jsonb(msgspec.json.decode(text)) for text in encoded],
    }
    prepared(conn, tuple_row).execute(statement(__package__, "quarantine"), arguments)
