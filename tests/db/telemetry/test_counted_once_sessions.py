"""Totals of an execution that names its session give way to calls of that session while it ran, and to no others."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from msgspec.structs import replace

from telemetry.contracts import Call, Execution, MeterReading
from telemetry.database import connection
from telemetry.ledger import sessions
from telemetry.ledger.meters import record_readings
from tests.ledger_reading import NOW, at_once, has_calls, new_tenant, present, send, sums

pytestmark = pytest.mark.usefixtures("database")
RUN = Execution(
    execution_id="run",
    started_at=NOW,
    execution_time=60.0,
    session_id="s",
    model="m",
    tokens_input=900,
    tokens_output=100,
)


def call(number: int, *, after_s: float, session: str = "s", **changes: object) -> Call:
    """A call of a session that knows nothing of the execution."""
    at = NOW + timedelta(seconds=after_s)
    return replace(Call(id=f"req-{number}", started_at=at, model="m", session_id=session, output=7), **changes)


@pytest.mark.parametrize("is_first", [True, False], ids=["totals first", "calls first"])
@pytest.mark.parametrize("after_s", [0, 1, 59.5, 60])
def test_a_call_of_its_session_while_it_ran_counts_instead(is_first: bool, after_s: float) -> None:
    tenant = new_tenant()
    steps = [partial(send, tenant, executions=[RUN]), partial(send, tenant, [call(1, after_s=after_s)])]
    for step in steps if is_first else reversed(steps):
        step()
    assert (sums(tenant).calls, sums(tenant).output) == (1, 7)
    assert has_calls(tenant, "run")


@pytest.mark.parametrize("is_first", [True, False], ids=["totals first", "calls first"])
@pytest.mark.parametrize(
    "other",
    [call(1, after_s=-0.1), call(1, after_s=60.1), call(1, after_s=30, session="t"), call(1, after_s=30, session="")],
    ids=["before", "after", "another session", "no session"],
)
def test_another_call_leaves_the_totals_standing(is_first: bool, other: Call) -> None:
    tenant = new_tenant()
    steps = [partial(send, tenant, executions=[RUN]), partial(send, tenant, [other])]
    for step in steps if is_first else reversed(steps):
        step()
    assert (sums(tenant).calls, sums(tenant).output) == (2, 107)
    assert not has_calls(tenant, "run")


def test_a_call_in_the_middle_of_a_long_session_is_found() -> None:
    tenant = new_tenant()
    send(tenant, [call(1, after_s=-500), call(2, after_s=30), call(3, after_s=200)])
    send(tenant, executions=[RUN])
    assert sums(tenant).output == 21


def test_calls_around_it_but_none_inside_leave_the_totals_standing() -> None:
    tenant = new_tenant()
    send(tenant, [call(1, after_s=-500), call(3, after_s=200)])
    send(tenant, executions=[RUN])
    assert sums(tenant).output == 114


def test_both_in_one_batch_count_once() -> None:
    tenant = new_tenant()
    send(tenant, [call(1, after_s=30)], executions=[RUN])
    assert present(tenant) == {"req-1": 1}


def test_without_a_duration_only_the_id_decides() -> None:
    tenant = new_tenant()
    send(tenant, [call(1, after_s=0)], executions=[replace(RUN, execution_time=None)])
    assert sums(tenant).calls == 2


def test_one_of_two_runs_in_a_session_keeps_its_totals() -> None:
    tenant = new_tenant()
    later = replace(RUN, execution_id="later", started_at=NOW + timedelta(minutes=5))
    send(tenant, executions=[RUN, later])
    send(tenant, [call(1, after_s=30)])
    assert (has_calls(tenant, "run"), has_calls(tenant, "later")) == (True, False)
    assert sums(tenant).output == 107


def test_totals_that_come_again_after_the_calls_do_not_count_again() -> None:
    tenant = new_tenant()
    for step in itertools.repeat(partial(send, tenant, executions=[RUN]), 2):
        step()
    send(tenant, [call(1, after_s=30)])
    send(tenant, executions=[replace(RUN, tokens_output=500)])
    assert sums(tenant).output == 7


def race(tenant: int) -> int:
    """Totals and calls written at the same moment by six writers; what is counted in the end."""
    calls = [partial(send, tenant, [call(number, after_s=number)]) for number in range(4)]
    totals = [partial(send, tenant, executions=[RUN]) for _ in range(2)]
    at_once(*calls, *totals)
    return sums(tenant).output


def test_totals_and_calls_at_the_same_moment_never_both_count() -> None:
    assert {race(new_tenant()) for _ in range(40)} == {28}


def test_without_the_lock_of_the_session_they_may_both_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "lock", lambda *_, **__: None)
    assert any(race(new_tenant()) != 28 for _ in range(150))


def test_cached_tokens_of_the_totals_are_parts_of_the_input() -> None:
    tenant = new_tenant()
    send(tenant, executions=[replace(RUN, cache_read=300, cache_write=100)])
    found = sums(tenant)
    assert (found.input_uncached, found.cache_read, found.cache_write_unknown) == (500, 300, 100)


def test_parts_that_exceed_the_input_prove_that_it_leaves_them_out() -> None:
    tenant = new_tenant()
    send(tenant, executions=[replace(RUN, tokens_input=10, cache_read=300)])
    assert (sums(tenant).input_uncached, sums(tenant).cache_read) == (10, 300)


def measure(tenant: int, *, output: int = 40) -> None:
    """A session's counter is exported."""
    reading = MeterReading(
        series="one",
        session_id="s",
        model="m",
        agent="a",
        bucket="output",
        started_at=NOW,
        at=NOW,
        value=output,
        is_delta=False,
    )
    record_readings(connection(), project_id=tenant, readings=[reading], source="otlp:test", now=NOW)


@pytest.mark.parametrize("order", list(itertools.permutations(("meter", "totals", "again"))), ids=" ".join)
def test_a_meter_gives_way_to_totals_of_its_session_too(order: tuple[str, ...]) -> None:
    tenant = new_tenant()
    steps: dict[str, Callable[[], object]] = {
        "meter": partial(measure, tenant),
        "totals": partial(send, tenant, executions=[replace(RUN, execution_time=None)]),
        "again": partial(measure, tenant, output=50),
    }
    for step in order:
        steps[step]()
    assert (sums(tenant).calls, sums(tenant).output) == (1, 100)


def test_a_meter_that_gave_way_stays_away_when_the_totals_give_way_to_calls_elsewhere() -> None:
    own = call(1, after_s=30, session="elsewhere", execution_id="run")
    found = set()
    for order in itertools.permutations(("meter", "totals", "calls")):
        tenant = new_tenant()
        steps: dict[str, Callable[[], object]] = {
            "meter": partial(measure, tenant),
            "totals": partial(send, tenant, executions=[RUN]),
            "calls": partial(send, tenant, [own]),
        }
        for step in order:
            steps[step]()
        found.add(sums(tenant).output)
    assert found == {7}


def test_a_meter_alone_counts_and_grows() -> None:
    tenant = new_tenant()
    for output in (40, 50, 45):
        measure(tenant, output=output)
    assert (sums(tenant).calls, sums(tenant).output) == (1, 50)
