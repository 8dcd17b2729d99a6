"""One call under several names, and under none: aliases and likenesses, in any order, at once, in one batch."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from telemetry.contracts import Call
from telemetry.ledger import aliases
from tests.ledger_reading import NOW, at_once, new_tenant, present, rows, send, sums

pytestmark = pytest.mark.usefixtures("database")
LOG = Call(id="req_1", started_at=NOW, model="m", output=10, agent="a", session_id="s")
SPAN = replace(LOG, id="msg_1", started_at=NOW + timedelta(minutes=1), output=12, agent="", host="h")
FILE = replace(LOG, id="req_1", aliases=("msg_1",), output=11, agent="", skill="k")
BY_ROUTE = {"otlp": LOG, "otlp:spans": SPAN, "files": FILE}


@pytest.mark.parametrize("order", list(itertools.permutations(BY_ROUTE)), ids=" ".join)
def test_a_record_that_knows_two_names_makes_one_call_of_them_in_any_order(order: Sequence[str]) -> None:
    tenant = new_tenant()
    for _ in range(2):
        for source in order:
            send(tenant, [BY_ROUTE[source]], source=source)
    assert (sums(tenant).calls, sums(tenant).output) == (1, 12)
    (row,) = rows(tenant)
    assert (row["agent"], row["host"], row["skill"]) == ("a", "h", "k")


@pytest.mark.parametrize("order", list(itertools.permutations([LOG, SPAN, FILE])))
def test_one_batch_with_all_names_of_a_call_holds_one_call(order: Sequence[Call]) -> None:
    tenant = new_tenant()
    receipt = send(tenant, order)
    assert (receipt.accepted, receipt.duplicates) == (1, 2)
    assert (sums(tenant).calls, sums(tenant).output) == (1, 12)


def test_a_chain_of_names_is_one_call() -> None:
    tenant = new_tenant()
    names = [f"name-{number}" for number in range(6)]
    links = [replace(LOG, id=one, aliases=(other,)) for one, other in itertools.pairwise(names)]
    for call in (*links[::2], *links[1::2]):
        send(tenant, [call])
    send(tenant, [replace(LOG, id=name, output=20) for name in names])
    assert (sums(tenant).calls, sums(tenant).output) == (1, 20)


def test_two_calls_that_become_one_leave_every_name_of_both_pointing_at_it() -> None:
    tenant = new_tenant()
    send(tenant, [replace(LOG, id="a", aliases=("a2",)), replace(LOG, id="b", aliases=("b2",))])
    assert sums(tenant).calls == 2
    send(tenant, [replace(LOG, id="a", aliases=("b",), output=30, tier="t")])
    send(tenant, [replace(LOG, id=name, output=40) for name in ("a", "a2", "b", "b2")])
    assert (sums(tenant).calls, sums(tenant).output) == (1, 40)


def test_calls_of_a_stranger_with_the_same_names_are_apart() -> None:
    mine, theirs = new_tenant(), new_tenant()
    send(mine, [LOG, SPAN])
    send(theirs, [FILE])
    assert (sums(mine).calls, sums(theirs).calls) == (2, 1)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    links=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=8),
    cuts=st.sets(st.integers(1, 7)),
)
def test_any_links_in_any_batches_make_as_many_calls_as_there_are_groups(
    links: list[tuple[int, int]], cuts: set[int]
) -> None:
    tenant = new_tenant()
    calls = [replace(LOG, id=f"n{one}", aliases=(f"n{other}",), output=one) for one, other in links]
    edges = [0, *sorted(cut for cut in cuts if cut < len(calls)), len(calls)]
    for begin, end in itertools.pairwise(edges):
        send(tenant, calls[begin:end])
    groups: list[set[int]] = []
    for link in links:
        joined = set(link).union(*(group for group in groups if group & set(link)))
        groups = [group for group in groups if not group & joined] + [joined]
    largest = sum(max(one for one, _ in links if one in group) for group in groups)
    assert (sums(tenant).calls, sums(tenant).output) == (len(groups), largest)


def test_copies_that_meet_at_the_same_moment_are_one_call() -> None:
    for _ in range(10):
        tenant = new_tenant()
        work = [partial(send, tenant, [call], source=source) for source, call in BY_ROUTE.items()]
        at_once(*work, *work)
        assert (sums(tenant).calls, sums(tenant).output) == (1, 12)


def alike(number: int, route: str, *, output: int = 5) -> Call:
    """The n-th of several calls that look the same, as a route names it."""
    return replace(
        LOG, id=f"{route}-{number}", started_at=NOW + timedelta(seconds=number), output=output, likeness="same"
    )


@pytest.mark.parametrize("first", ["otlp:codex", "codex"])
def test_alike_calls_of_two_routes_are_paired_one_to_one(first: str) -> None:
    tenant = new_tenant()
    routes = [first, "codex" if first == "otlp:codex" else "otlp:codex"]
    for _ in range(2):
        for route in routes:
            send(tenant, [alike(number, route) for number in range(3)], source=route)
    assert (sums(tenant).calls, sums(tenant).output) == (3, 15)


def test_alike_calls_that_arrive_one_by_one_are_paired_all_the_same() -> None:
    tenant = new_tenant()
    for number, route in itertools.product(range(3), ("otlp", "codex")):
        send(tenant, [alike(number, route)], source=route)
    assert sums(tenant).calls == 3


def test_alike_calls_of_one_route_are_never_the_same_call() -> None:
    tenant = new_tenant()
    send(tenant, [alike(number, "codex") for number in range(4)], source="codex")
    assert sums(tenant).calls == 4


def test_without_a_likeness_the_two_routes_are_two_calls() -> None:  # the control of the tests above
    tenant = new_tenant()
    for route in ("otlp", "codex"):
        send(tenant, [replace(alike(1, route), likeness="")], source=route)
    assert sums(tenant).calls == 2


def test_alike_calls_that_arrive_at_the_same_moment_are_paired() -> None:
    for _ in range(10):
        tenant = new_tenant()
        work = [
            partial(send, tenant, [alike(number, route) for number in range(4)], source=route)
            for route in ("otlp", "codex")
        ]
        at_once(*work, *work)
        assert sums(tenant).calls == 4


def test_a_copy_that_counts_too_much_gives_way_to_one_that_does_not() -> None:
    for order in ((0, 1), (1, 0)):
        tenant = new_tenant()
        copies = [replace(LOG, output=109, quality=("output_suspect",)), replace(LOG, output=108)]
        for place in order:
            send(tenant, [copies[place]])
        assert sums(tenant).output == 108
        assert present(tenant) == {"req_1": 1}


def test_a_copy_that_tells_cache_writes_apart_completes_one_that_does_not() -> None:
    for order in ((0, 1), (1, 0)):
        tenant = new_tenant()
        copies = [replace(LOG, cache_write_unknown=30), replace(LOG, cache_write_5m=10, cache_write_1h=20)]
        for place in order:
            send(tenant, [copies[place]])
        found = sums(tenant)
        assert (found.cache_write_5m, found.cache_write_1h, found.cache_write_unknown) == (10, 20, 0)


def test_a_source_has_one_route() -> None:
    assert aliases.route_of("otlp:codex") == aliases.route_of("otlp")
    assert aliases.route_of("codex") == aliases.route_of("claude-code") != aliases.route_of("otlp:codex")
