"""The same batch sent again, in pieces, in another order, at once or over midnight adds nothing."""

from __future__ import annotations

import gzip
import random
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import pytest
from msgspec.structs import replace

from telemetry.contracts import Call, Receipt
from telemetry.models import Execution, Identity, Project, Session
from tests.ledger_reading import NOW, at_once, new_tenant, present, rows, send, sums, sums_by_day, sums_of
from tests.page_reading import invented_calls

TIMES = 5
THREADS = 6
ROUNDS, SIZE = 6, 1_200
pytestmark = pytest.mark.usefixtures("database")


def unpriced(count: int, *, first: datetime = NOW - timedelta(days=9)) -> list[Call]:
    """Calls of a model without a price, of a few sessions and executions, ten minutes apart."""
    return [
        replace(call, model="house-llama", provider="local", execution_id=f"run-{n // 20}")
        for n, call in enumerate(invented_calls(count, first=first, step_minutes=10))
    ]


def pieces(calls: Sequence[Call], size: int) -> list[Sequence[Call]]:
    """The same calls in other batches."""
    return [calls[start : start + size] for start in range(0, len(calls), size)]


def test_the_same_batch_five_times_is_stored_once_and_said_to_be_known() -> None:
    tenant, calls = new_tenant(), unpriced(190)
    receipts = [send(tenant, calls) for _ in range(TIMES)]
    assert receipts == [Receipt(accepted=190)] + [Receipt(duplicates=190)] * (TIMES - 1)
    assert sums(tenant) == replace(sums_of(calls), unpriced_calls=190)


def test_a_batch_that_holds_a_call_twice_counts_it_once() -> None:
    tenant, calls = new_tenant(), unpriced(20)
    assert send(tenant, [*calls, *reversed(calls)]) == Receipt(accepted=20, duplicates=20)
    assert set(present(tenant).values()) == {1}


def test_the_same_calls_cut_into_other_batches_add_nothing() -> None:
    tenant, calls = new_tenant(), unpriced(120)
    for size in (120, 7, 50, 1, 119):
        for piece in pieces(calls, size):
            send(tenant, piece)
    assert set(present(tenant).values()) == {1}
    assert sums(tenant).output == sums_of(calls).output


def test_calls_without_an_id_are_known_by_their_content() -> None:
    tenant, calls = new_tenant(), [replace(call, id="") for call in unpriced(50)]
    assert send(tenant, calls).accepted == 50
    assert send(tenant, calls[::-1]).duplicates == 50
    assert send(tenant, [replace(calls[0], output=10**6)]).accepted == 1


def test_batches_that_overlap_in_any_order_at_once_are_stored_once_without_a_deadlock() -> None:
    for seed in range(ROUNDS):
        tenant, calls, chance = new_tenant(), unpriced(SIZE), random.Random(seed)
        shares = [calls, *(chance.sample(calls, SIZE - 100) for _ in range(THREADS - 1))]
        receipts = at_once(*(partial(send, tenant, share) for share in shares))
        assert sum(receipt.accepted for receipt in receipts) == len(calls)
        assert set(present(tenant).values()) == {1}
        assert sums(tenant) == replace(sums_of(calls), unpriced_calls=SIZE)
        assert Identity.objects.filter(project_id=tenant).count() == len(calls)


@pytest.mark.parametrize("group", ["session_id", "execution_id"])
def test_other_calls_of_the_same_sessions_or_executions_at_once_are_all_stored_without_a_deadlock(group: str) -> None:
    calls = [replace(call, session_id="", execution_id="") for call in unpriced(SIZE // 2)]
    for seed in range(ROUNDS):
        tenant, chance = new_tenant(), random.Random(seed)
        shares = [
            [
                replace(call, id=f"{thread}-{n}", **{group: f"{group}-{n}"})
                for n, call in chance.sample(list(enumerate(calls)), len(calls))
            ]
            for thread in range(THREADS)
        ]
        assert at_once(*(partial(send, tenant, share) for share in shares)) == [Receipt(len(calls))] * THREADS
        assert sums(tenant).calls == THREADS * len(calls)
        groups = Session if group == "session_id" else Execution
        assert groups.objects.filter(project_id=tenant).count() == len(calls)


def test_growing_copies_at_once_leave_the_largest_of_each() -> None:
    tenant, calls = new_tenant(), unpriced(80)

    def sender(seed: int) -> None:
        chance = random.Random(seed)
        copies = [replace(call, output=call.output + growth) for growth in range(THREADS) for call in calls]
        for piece in pieces(chance.sample(copies, len(copies)), 60):
            send(tenant, piece)

    at_once(*(partial(sender, seed) for seed in range(THREADS)))
    largest = [replace(call, output=call.output + THREADS - 1) for call in calls]
    assert sums(tenant) == replace(sums_of(largest), unpriced_calls=80)


def test_a_batch_sent_again_after_midnight_adds_nothing() -> None:
    midnight = datetime(2026, 11, 18, tzinfo=UTC)
    tenant, calls = new_tenant(), unpriced(20, first=midnight - timedelta(minutes=100))
    before, after = midnight + timedelta(minutes=95), midnight + timedelta(days=1, seconds=1)
    assert send(tenant, calls, now=before).accepted == 20
    assert send(tenant, calls, now=after).duplicates == 20
    assert [day.calls for day in sums_by_day(tenant)] == [10, 10]


def test_a_copy_with_another_time_is_the_same_call_and_stays_on_its_first_day() -> None:
    tenant, [call] = new_tenant(), unpriced(1)
    other_day = replace(call, started_at=call.started_at - timedelta(days=1), output=call.output + 1)
    send(tenant, [call])
    assert send(tenant, [other_day, replace(call, started_at=call.started_at + timedelta(hours=30))]).accepted == 0
    [row] = rows(tenant)
    assert (row["started_at"], row["output"]) == (call.started_at, other_day.output)


def test_sessions_span_their_calls_however_these_come() -> None:
    tenant, calls = new_tenant(), unpriced(48)
    for piece in pieces(random.Random(1).sample(calls, 48), 5):
        send(tenant, piece)
    spans = {row.session_id: (row.started_at, row.last_call_at) for row in Session.objects.filter(project_id=tenant)}
    times: dict[str, list[datetime]] = {}
    for call in calls:
        times.setdefault(call.session_id, []).append(call.started_at)
    assert spans == {session: (min(of), max(of)) for session, of in times.items()}


def post(address: str, key: str, body: bytes, **headers: str) -> Receipt:
    """What the API answers."""
    request = urllib.request.Request(f"{address}/api/v1/calls/", body, {"Authorization": f"Bearer {key}", **headers})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return msgspec.json.decode(answer.read(), type=Receipt)


def test_the_same_bodies_by_http_plain_packed_and_as_lines_at_once_add_nothing(
    web: str, key: str, project: Project
) -> None:
    calls = unpriced(100)
    body = msgspec.json.encode(calls)
    lines = b"\n".join(map(msgspec.json.encode, calls))
    ways = [
        partial(post, web, key, body, **{"Content-Type": "application/json"}),
        partial(
            post, web, key, gzip.compress(body), **{"Content-Type": "application/json", "Content-Encoding": "gzip"}
        ),
        partial(post, web, key, lines, **{"Content-Type": "application/x-ndjson"}),
    ]
    receipts = [receipt for _ in range(TIMES) for receipt in at_once(*ways)]
    assert sum(receipt.accepted for receipt in receipts) == 100
    assert sum(receipt.duplicates for receipt in receipts) == 100 * (3 * TIMES - 1)
    assert sums(project.pk) == replace(sums_of(calls), unpriced_calls=100)
