"""The one way in: a batch of records becomes rows, each call counted once, in one transaction.

    believe the time ─▶ identify, price, rank ─▶ claim identities ─▶ executions ─▶ COPY calls ─▶ sessions ─▶ commit

What returns after the commit is durable. Sending the same batch again, in parallel or over midnight, adds nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.errors import CheckViolation
from psycopg.types.json import Jsonb

from telemetry.contracts import Call, Execution, Receipt, Rejection
from telemetry.ledger import executions as runs
from telemetry.ledger import partitions, store
from telemetry.ledger.identity import call_id
from telemetry.ledger.pricing import MAX_NANOUSD, computed_nanousd, nanousd
from telemetry.ledger.store import LABELS, Entry
from telemetry.statements import statement
from telemetry.usage import input_total, usage_rank

EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=5)
_COST_RANK = {"client_estimate": 1, "provider": 2}
_LABELS_OF = attrgetter(*LABELS)
_RECORD = Call | Execution


@dataclass(slots=True)
class _Batch:
    """A batch on its way: what may be stored, what is set apart, what is refused. `totals` are the calls that stand
    for the totals of executions, each with its execution's key; `calls` counts those that `entries` hold."""

    entries: dict[bytes, Entry] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    totals: list[tuple[str, Entry]] = field(default_factory=list)
    strange: list[tuple[_RECORD, str]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    calls: int = 0


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
    batch = _sorted_out(calls, executions, now)
    try:
        return _write(conn, project_id, batch, source, now)
    except CheckViolation:  # a partition that was known has been dropped since
        partitions.forget(conn)
        return _write(conn, project_id, batch, source, now)


def unbelievable_time(moment: datetime, now: datetime) -> str:
    """Why a record of that time is set apart, or "" where it is believed."""
    if moment < EARLIEST:
        return "its time is before 2020"
    if moment > now + AHEAD:
        return "its time is more than 5 minutes ahead"
    return ""


def _sorted_out(calls: Sequence[Call], executions: Sequence[Execution], now: datetime) -> _Batch:
    """Believe, identify, price and rank. Of two copies of a call in one batch the fuller stays."""
    batch = _Batch()
    latest = now + AHEAD
    for index, call in enumerate(calls):
        if not EARLIEST <= call.started_at <= latest:
            batch.strange.append((call, unbelievable_time(call.started_at, now)))
            continue
        try:
            entry = entry_of(call)
        except ValueError as error:
            batch.rejected.append(Rejection(index, call.id, str(error)))
            continue
        known = batch.entries.get(entry.id)
        batch.entries[entry.id] = entry if known is None else _fuller(known, entry)
        batch.calls += 1
    for index, execution in enumerate(executions, len(calls)):
        reason = unbelievable_time(execution.started_at, now)
        if reason:
            batch.strange.append((execution, reason))
            continue
        total = runs.total_call(execution)
        try:
            if total is not None:
                batch.totals.append((total.execution_id, entry_of(total)))
        except ValueError as error:
            batch.rejected.append(Rejection(index, execution.execution_id or execution.task_id, str(error)))
            continue
        batch.executions.append(execution)
    return batch


def entry_of(call: Call) -> Entry:
    """A call identified, priced and ranked. Raises ValueError for a cost that cannot be."""
    inputs = input_total(call)
    computed, price_version = computed_nanousd(call, inputs)
    if computed is not None and computed > MAX_NANOUSD:
        raise ValueError("these tokens would cost more than can be counted")
    reported = None if call.cost_usd is None else nanousd(call.cost_usd)
    return Entry(
        call_id(call),
        call,
        usage_rank(call.output, inputs),
        0 if reported is None else (_COST_RANK[call.cost_kind] << 50) + reported,  # a reported cost is below 2**50
        _present(tuple(map(bool, _LABELS_OF(call)))),
        reported,
        computed,
        price_version,
    )


@cache
def _present(labels: tuple[bool, ...]) -> int:
    """Which labels a call has, as bits."""
    return sum(1 << place for place, is_there in enumerate(labels) if is_there)


def _fuller(first: Entry, second: Entry) -> Entry:
    """The fuller of two copies in one batch, at the time of the first, with the better cost and what only one bears."""
    fuller, other = (second, first) if second.usage_rank > first.usage_rank else (first, second)
    changes: dict[str, Any] = {"started_at": first.call.started_at}
    for label in LABELS:
        if not getattr(fuller.call, label):
            changes[label] = getattr(other.call, label)
    for measured in ("duration_ms", "ttft_ms"):
        if getattr(fuller.call, measured) is None:
            changes[measured] = getattr(other.call, measured)
    if other.call.attributes:
        changes["attributes"] = {**other.call.attributes, **(fuller.call.attributes or {})}
    if other.cost_rank > fuller.cost_rank:
        changes |= {"cost_usd": Decimal(other.reported or 0) / 10**9, "cost_kind": other.call.cost_kind}
    return msgspec.structs.replace(entry_of(msgspec.structs.replace(fuller.call, **changes)), id=first.id)


def _write(conn: Connection[Any], project_id: int, batch: _Batch, source: str, now: datetime) -> Receipt:
    entries = sorted(batch.entries.values(), key=attrgetter("id"))
    days = {entry.call.started_at.astimezone(UTC).date() for entry in entries}
    days |= {execution.started_at.astimezone(UTC).date() for execution in batch.executions}
    partitions.ensure(conn, days, now=now)
    with conn.transaction():
        fresh, fuller = store.write_identities(conn, project_id=project_id, entries=entries)
        changed, with_calls = _write_runs(conn, project_id, batch, source, now)
        totals = _totals(batch.totals, with_calls)
        fresh_totals, fuller_totals = store.write_identities(conn, project_id=project_id, entries=totals)
        store.copy_calls(conn, project_id=project_id, entries=[*fresh, *fresh_totals], source=source, now=now)
        store.merge_calls(conn, project_id=project_id, entries=[*fuller, *fuller_totals], source=source, now=now)
        runs.touch_sessions(conn, project_id=project_id, calls=[entry.call for entry in entries])
        quarantine(conn, project_id=project_id, records=batch.strange, source=source, now=now)
    return Receipt(
        accepted=len(fresh) + changed,
        duplicates=batch.calls - len(fresh) + len(batch.executions) - changed,
        quarantined=len(batch.strange),
        rejected=tuple(batch.rejected),
    )


def _write_runs(
    conn: Connection[Any], project_id: int, batch: _Batch, source: str, now: datetime
) -> tuple[int, set[str]]:
    """Executions of a batch, under their locks."""
    calls = [entry.call for entry in batch.entries.values()]
    runs.mark_called(conn, project_id=project_id, calls=calls, executions=batch.executions)
    changed, with_calls = 0, set[str]()
    if batch.executions:
        changed, with_calls = runs.write_executions(
            conn, project_id=project_id, executions=batch.executions, source=source, now=now
        )
    return changed, with_calls


def _totals(sent: Sequence[tuple[str, Entry]], with_calls: set[str]) -> list[Entry]:
    """The totals of executions that have no calls of their own, sorted by id, each once."""
    totals: dict[bytes, Entry] = {}
    for key, entry in sent:
        if key not in with_calls:
            known = totals.get(entry.id)
            totals[entry.id] = entry if known is None else _fuller(known, entry)
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
    conn.execute(statement(__package__, "quarantine"), arguments)
