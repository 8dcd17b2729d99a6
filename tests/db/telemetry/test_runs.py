"""Whatever comes in whatever order, a run is the sum of its execution's calls: step by step, and made anew."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from psycopg import Connection

from telemetry.contracts import Call, Execution
from telemetry.database import connection
from telemetry.series import rollups, run_sums
from tests.ledger_reading import NOW, new_tenant, send
from tests.run_reading import added_up, unlike

pytestmark = pytest.mark.usefixtures("database")
AT = datetime(2026, 11, 10, 21, tzinfo=UTC)  # before midnight, so that runs lie across it
HOUR = timedelta(hours=1)


def moment_of(name: str) -> datetime:
    """About when the call of that name was: from before the executions to after them."""
    return AT + timedelta(minutes=Random(name).randrange(-80, 700))


def a_call(dice: Random, name: str) -> Call:
    """One of a few sessions, naming one of a few executions or none; now and then under another's name as well."""
    return Call(
        id=name,
        aliases=(f"alias-{dice.randrange(12)}",) if dice.random() < 0.3 else (),
        started_at=moment_of(name) + timedelta(minutes=dice.randrange(9)),  # which copies of a call may differ by
        model=dice.choice(("m", "n")),
        input_uncached=dice.randrange(3),
        cache_read=dice.randrange(2),
        cache_write_1h=dice.randrange(2),
        output=dice.randrange(1, 5),
        reasoning=dice.choice((None, 1)),
        cost_usd=dice.choice((None, Decimal(dice.randrange(3)))),
        agent=dice.choice(("", "a")),
        host=dice.choice(("", "h-1", "h-2")),
        execution_id=dice.choice(("", "r-1", "r-2", "r-3")),
        session_id=dice.choice(("", "s-1", "s-2")),
        subagent_id=dice.choice(("", "", "x", "y")),
        error_type=dice.choice(("", "", "", "529 overloaded")),
    )


def an_execution(dice: Random) -> Execution:
    """One of a few, of which each copy may begin earlier or later, with totals or without."""
    return Execution(
        execution_id=f"r-{dice.randrange(1, 9)}",
        started_at=AT + timedelta(minutes=dice.randrange(0, 500)),
        session_id=dice.choice(("", "s-1", "s-2")),
        model=dice.choice(("", "o")),
        execution_time=dice.choice((None, 60.0, 9_000.0, 90_000.0)),
        tokens_input=dice.choice((None, dice.randrange(30))),
        tokens_output=dice.choice((None, 5, dice.randrange(40))),
        status=dice.choice(("", "done", "failed")),
        errors=dice.choice(((), ("one",), ("one", "two"))),
    )


def hold(seed: int) -> None:
    """A history after which, and in the middle of which, runs are what a look at every call gives."""
    dice, tenant = Random(seed), new_tenant()
    for number in range(8):
        names = [f"{number if dice.random() < 0.8 else 0}-{place}" for place in range(dice.randrange(1, 7))]
        executions = [an_execution(dice) for _ in range(dice.randrange(3))]
        send(tenant, [a_call(dice, name) for name in names], executions=executions)
        if dice.random() < 0.7:
            assert unlike(tenant, added_up(tenant)) == {}
    kept = added_up(tenant)
    assert unlike(tenant, kept) == {}
    connection().execute("DELETE FROM telemetry_rollup_run WHERE project_id = %s AND execution_id < 'r-3'", [tenant])
    connection().execute("UPDATE telemetry_rollup_run SET output = 7000, model = 'x' WHERE project_id = %s", [tenant])
    assert list(rollups.rebuild(connection(), project_id=tenant, now=NOW))
    assert added_up(tenant) == kept


@pytest.mark.parametrize("seed", [0, 1, 9, 13])
def test_whatever_comes_in_whatever_order_runs_are_the_sums_of_their_calls(seed: int) -> None:
    hold(seed)


def come_late() -> tuple[int, int]:
    """How many calls a run has before and after one comes late."""
    tenant, counts = new_tenant(), list[int]()
    for minutes in (1, 40):
        call = Call(id=f"{minutes}", started_at=AT + timedelta(minutes=minutes), model="m", execution_id="r")
        send(tenant, [call], executions=[Execution(execution_id="r", started_at=AT)])
        counts.append(added_up(tenant)["r"]["calls"])
    return counts[0], counts[1]


def test_a_late_call_is_added() -> None:
    assert come_late() == (1, 2)


def test_control_a_summer_that_ignores_late_calls_has_one_less(monkeypatch: pytest.MonkeyPatch) -> None:
    real, known = run_sums.touched_runs, set[str]()

    def only_new(conn: Connection[Any], *, project_id: int, minutes: Collection[datetime]) -> list[str]:
        found = [key for key in real(conn, project_id=project_id, minutes=minutes) if key not in known]
        known.update(found)
        return found

    monkeypatch.setattr(run_sums, "touched_runs", only_new)
    assert come_late() == (1, 1)
    with pytest.raises(AssertionError):
        hold(seed=0)


def test_a_call_that_turns_out_to_be_another_is_taken_from_its_execution() -> None:
    """Two stored calls are one, as another copy tells; what the one named that is taken out loses it."""
    tenant, earlier = new_tenant(), AT - HOUR / 2
    send(tenant, [Call(id="1", started_at=AT, model="m", output=1, execution_id="r-1", session_id="s-1")])
    send(tenant, [Call(id="2", started_at=AT + HOUR, model="m", output=1, execution_id="r-2", session_id="s-2")])
    beside = Execution(execution_id="r-3", started_at=earlier, session_id="s-1", execution_time=7200.0)
    send(tenant, executions=[Execution(execution_id="r-1", started_at=earlier), beside])
    assert {key: row["output"] for key, row in added_up(tenant).items()} == {"r-1": 1, "r-2": 1, "r-3": 1}
    send(tenant, [Call(id="1", aliases=("2",), started_at=AT, model="m", output=1)])
    found = added_up(tenant)
    assert unlike(tenant, found) == {}
    assert {key: row["output"] for key, row in found.items()} == {"r-1": 0, "r-2": 1, "r-3": 0}
