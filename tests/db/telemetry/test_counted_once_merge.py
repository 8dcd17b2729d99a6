"""Copies of one call that differ: the largest usage, the best cost and every label stay, whatever their order."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from telemetry.contracts import Call, CostKind, UsageRow
from telemetry.ledger.pricing import computed_nanousd
from telemetry.ledger.rows import LABELS
from telemetry.usage import input_total
from tests.ledger_reading import NOW, new_tenant, rows, send, sums

pytestmark = pytest.mark.usefixtures("database")
CALL = Call(id="req_1", started_at=NOW, model="claude-opus-4-5", provider="anthropic", input_uncached=100, output=10)
RANK: dict[CostKind, int] = {"client_estimate": 1, "provider": 2}
BUCKETS = ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_unknown", "output")


def merged(*copies: Call, tenant: int | None = None) -> dict[str, Any]:
    """The row that copies leave, each sent on its own."""
    tenant = new_tenant() if tenant is None else tenant
    for copy in copies:
        send(tenant, [copy])
    [row] = rows(tenant)
    return row


def believed(copies: list[Call]) -> UsageRow:
    """The sums that copies of one call must leave: the usage of the largest, the best of their costs."""
    largest = max(copies, key=lambda copy: (copy.output, input_total(copy)))
    computed, _ = computed_nanousd(largest, input_total(largest))
    reported = [(RANK[copy.cost_kind], int(copy.cost_usd * 10**9)) for copy in copies if copy.cost_usd is not None]
    return UsageRow(
        calls=1,
        reasoning=largest.reasoning or 0,
        cost_nanousd=max(reported)[1] if reported else computed or 0,
        **{name: getattr(largest, name) for name in BUCKETS},
    )


counts = st.integers(0, 60)
copies_of_one_call = st.lists(
    st.builds(
        Call,
        id=st.just("req_1"),
        started_at=st.just(NOW),
        model=st.just("claude-opus-4-5"),
        provider=st.just("anthropic"),
        input_uncached=counts,
        cache_read=counts,
        cache_write_1h=counts,
        output=counts,
        reasoning=st.none() | st.integers(0, 9),
        cost_usd=st.none() | st.integers(0, 99).map(Decimal),
        cost_kind=st.sampled_from(list(RANK)),
        agent=st.sampled_from(["", "builder"]),
    ),
    min_size=2,
    max_size=6,
    unique_by=lambda call: (call.output, input_total(call)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(copies=copies_of_one_call, data=st.data())
def test_any_order_and_any_cut_into_batches_leaves_the_same_sums(copies: list[Call], data: st.DataObject) -> None:
    tenant, expected = new_tenant(), believed(copies)
    shuffled = data.draw(st.permutations(copies))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(copies)), max_size=4)))
    for start, end in zip([0, *cuts], [*cuts, len(copies)], strict=True):
        send(tenant, shuffled[start:end])
    assert sums(tenant) == expected


def test_the_sums_would_differ_if_the_first_copy_were_kept() -> None:
    first, second = CALL, replace(CALL, output=11)
    assert believed([first, second]) == believed([second, first]) != believed([first])


def test_the_larger_copy_brings_its_model_and_price_with_it() -> None:
    row = merged(CALL, replace(CALL, output=20, model="house-llama", provider="local"))
    assert (row["model"], row["provider"], row["output"]) == ("house-llama", "local", 20)
    assert (row["cost_computed_nanousd"], row["price_version"]) == (None, "")
    back = merged(replace(CALL, output=20), replace(CALL, model="house-llama", provider="local"))
    assert (back["model"], back["cost_computed_nanousd"]) == ("claude-opus-4-5", 20 * 25_000 + 100 * 5_000)


def test_labels_that_were_empty_are_filled_and_others_stay() -> None:
    first = replace(CALL, agent="builder", session_id="s-1")
    second = replace(CALL, agent="somebody", **{label: f"a {label}" for label in LABELS if label != "agent"})
    row = merged(first, second)
    kept = {"agent": "builder", "session_id": "s-1", "subagent_id": ""}  # empty says: the session's own
    assert {label: row[label] for label in LABELS} == {label: f"a {label}" for label in LABELS} | kept


def test_labels_of_copies_in_one_batch_are_filled_alike() -> None:
    tenant = new_tenant()
    send(tenant, [replace(CALL, agent="builder"), replace(CALL, output=20, host="h", task_type="fix")])
    [row] = rows(tenant)
    assert (row["agent"], row["host"], row["task_type"], row["output"]) == ("builder", "h", "fix", 20)


def test_what_only_the_smaller_copy_of_a_batch_bears_is_kept() -> None:
    tenant = new_tenant()
    small = replace(CALL, duration_ms=900, ttft_ms=30, attributes={"a": 1})
    send(tenant, [replace(CALL, output=20, duration_ms=1_000, attributes={"b": 2}), small])
    [row] = rows(tenant)
    assert (row["output"], row["duration_ms"], row["ttft_ms"]) == (20, 1_000, 30)
    assert json.loads(row["attributes"]) == {"a": 1, "b": 2}


def test_attributes_of_both_copies_are_kept() -> None:
    row = merged(
        replace(CALL, attributes={"a": 1, "b": 2}), replace(CALL, output=11, attributes={"b": 3, "c": {"d": [4]}})
    )
    assert json.loads(row["attributes"]) == {"a": 1, "b": 2, "c": {"d": [4]}}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (1, 0, 2)])
def test_the_provider_is_believed_before_the_client_and_the_client_before_our_own_price(
    order: tuple[int, int, int],
) -> None:
    copies = (
        CALL,
        replace(CALL, cost_usd=Decimal("0.5"), cost_kind="client_estimate"),
        replace(CALL, cost_usd=Decimal("0.3"), cost_kind="provider"),
    )
    tenant = new_tenant()
    row = merged(*(copies[place] for place in order), tenant=tenant)
    assert (row["cost_reported_nanousd"], row["cost_kind"]) == (300_000_000, "provider")
    assert sums(tenant).cost_nanousd == 300_000_000


def test_what_a_copy_was_said_to_cost_stays_when_a_larger_copy_says_nothing() -> None:
    row = merged(replace(CALL, cost_usd=Decimal("0.5")), replace(CALL, output=20))
    assert (row["cost_reported_nanousd"], row["output"]) == (500_000_000, 20)


def test_a_copy_that_brings_nothing_changes_nothing() -> None:
    tenant = new_tenant()
    before = merged(replace(CALL, output=20, agent="builder"), tenant=tenant)
    assert merged(replace(CALL, output=19), replace(CALL, output=20), tenant=tenant) == before
