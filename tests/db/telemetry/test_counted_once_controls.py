"""Negative controls: without the claim on identities, or with the server's clock for a time, calls count twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg
import pytest
from msgspec.structs import replace

from telemetry.contracts import Call
from telemetry.database import connection
from telemetry.ledger import partitions, store
from telemetry.ledger.entries import entry_of
from tests.faults.checker import Verdict, check
from tests.ledger_reading import NOW, new_tenant, present, send
from tests.page_reading import invented_calls

pytestmark = pytest.mark.usefixtures("database")
CALLS = invented_calls(40, first=NOW - timedelta(days=1), step_minutes=1)
LATER = timedelta(days=1)


def store_unclaimed(tenant: int, calls: Sequence[Call], now: datetime) -> None:
    """Write calls as a ledger without identities would."""
    conn = connection()
    partitions.ensure(conn, {call.started_at.date() for call in calls}, now=now)
    entries = [entry_of(call) for call in calls]
    with conn.transaction():
        store.write_calls(conn, project_id=tenant, entries=entries, source="test", now=now)


def at_arrival(calls: Sequence[Call], now: datetime) -> list[Call]:
    """Calls at the time at which they came, as a ledger that trusts its own clock would have them."""
    return [replace(call, started_at=now) for call in calls]


def verdict(tenant: int) -> Verdict:
    """What the checker says when all calls were acknowledged."""
    history = [(outcome, call.id) for call in CALLS for outcome in ("invoke", "ok")]
    return check(history, present(tenant))  # type: ignore[arg-type]


def test_the_ledger_is_well_when_a_batch_comes_twice() -> None:
    tenant = new_tenant()
    send(tenant, CALLS)
    send(tenant, CALLS, now=NOW + LATER)
    assert verdict(tenant)


def test_without_the_claim_and_with_the_servers_time_a_batch_that_comes_twice_counts_twice() -> None:
    tenant = new_tenant()
    for now in (NOW, NOW + LATER):
        store_unclaimed(tenant, at_arrival(CALLS, now), now)
    assert verdict(tenant).dup == {call.id for call in CALLS}


def test_with_the_claim_even_the_servers_time_counts_a_batch_once() -> None:
    tenant = new_tenant()
    for now in (NOW, NOW + LATER):
        send(tenant, at_arrival(CALLS, now), now=now)
    assert verdict(tenant)


def test_without_the_claim_the_table_itself_still_refuses_a_copy_of_the_same_time() -> None:
    tenant = new_tenant()
    store_unclaimed(tenant, CALLS, NOW)
    with pytest.raises(psycopg.errors.UniqueViolation):
        store_unclaimed(tenant, CALLS, NOW)
    assert verdict(tenant)


def test_a_batch_that_is_not_stored_is_seen_to_be_lost() -> None:
    tenant = new_tenant()
    send(tenant, CALLS[1:])
    assert verdict(tenant).lost == {CALLS[0].id}
