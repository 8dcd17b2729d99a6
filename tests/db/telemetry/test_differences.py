"""What executions say of themselves is compared with their calls whenever one of these changes, and only then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from psycopg.rows import dict_row

from telemetry.contracts import Call, Execution
from telemetry.database import connection
from telemetry.models import Execution as ExecutionRow
from telemetry.series import comparisons, rollups
from telemetry.series.comparisons import CLOCKS_DIFFER, LONGEST_EXECUTION, merged
from tests.ledger_reading import NOW, added_up, new_tenant, send

pytestmark = pytest.mark.usefixtures("database")
AT = datetime(2026, 11, 10, 12, tzinfo=UTC)
Compared = dict[str, tuple[int, int | None, int, int | None, int]]


def stored(tenant: int) -> Compared:
    """What is kept as differing: calls, input sent and counted, output sent and counted."""
    with added_up(tenant).cursor(row_factory=dict_row) as cursor:
        found = cursor.execute("SELECT * FROM telemetry_rollup_difference WHERE project_id = %s", [tenant]).fetchall()
    names = ("calls", "sent_input", "counted_input", "sent_output", "counted_output")
    return {row["execution_id"]: tuple(row[name] for name in names) for row in found}


def counted(tenant: int) -> Compared:
    """The same, by looking at every call for each execution."""
    with connection().cursor(row_factory=dict_row) as cursor:
        calls = cursor.execute("SELECT * FROM telemetry_call WHERE project_id = %s", [tenant]).fetchall()
    found: Compared = {}
    for run in ExecutionRow.objects.filter(project_id=tenant, has_calls=True):
        own = [call for call in calls if _names(call, run)] or [call for call in calls if _is_beside(call, run)]
        inputs = sum(call["input_uncached"] + call["cache_read"] for call in own)
        output = sum(call["output"] for call in own)
        sent = run.sent_input_tokens, run.sent_output_tokens
        if own and (sent[0] not in (None, inputs) or sent[1] not in (None, output)):
            found[run.execution_id] = len(own), sent[0], inputs, sent[1], output
    return found


def _names(call: dict[str, Any], run: ExecutionRow) -> bool:
    after: timedelta = call["started_at"] - run.started_at
    return bool(call["execution_id"] == run.execution_id and -CLOCKS_DIFFER <= after <= LONGEST_EXECUTION)


def _is_beside(call: dict[str, Any], run: ExecutionRow) -> bool:
    is_of_session = run.session_id and call["session_id"] == run.session_id and run.duration_ms is not None
    ended_at = run.started_at + timedelta(milliseconds=run.duration_ms or 0)
    return bool(
        is_of_session and run.started_at <= call["started_at"] <= ended_at and "total" not in call["request_key"]
    )


def moment_of(name: str) -> datetime:
    """About when the call of that name was: from before the executions to after them."""
    return AT + timedelta(minutes=Random(name).randrange(-80, 3_000))


def a_batch(dice: Random, number: int) -> tuple[list[Call], list[Execution]]:
    """Calls that name one of a few executions, or are of one of two sessions; and executions with totals or without."""
    calls = [
        Call(
            id=name,
            started_at=moment_of(name) + timedelta(minutes=dice.randrange(9)),  # which copies of a call may differ by
            model=dice.choice(("m", "n")),
            input_uncached=dice.randrange(3),
            cache_read=dice.randrange(2),
            output=dice.randrange(1, 5),
            execution_id=dice.choice(("", "r-1", "r-2", "r-3")),
            session_id=dice.choice(("", "s-1", "s-2")),
        )
        for place in range(dice.randrange(1, 7))
        for name in [f"{number if dice.random() < 0.8 else 0}-{place}"]
    ]
    runs = [
        Execution(
            execution_id=f"r-{dice.randrange(1, 8)}",
            started_at=AT + timedelta(minutes=dice.randrange(0, 2_000)),
            session_id=dice.choice(("", "s-1", "s-2")),
            execution_time=dice.choice((None, 60.0, 90_000.0)),
            tokens_input=dice.choice((None, dice.randrange(30))),
            tokens_output=dice.choice((None, 5, dice.randrange(40))),
        )
        for _ in range(dice.randrange(3))
    ]
    return calls, runs


def hold(seed: int) -> None:
    """A history after which, and in the middle of which, what is kept is what a look at every call gives."""
    dice, tenant = Random(seed), new_tenant()
    for number in range(8):
        calls, runs = a_batch(dice, number)
        send(tenant, calls, executions=runs)
        if dice.random() < 0.7:
            assert stored(tenant) == counted(tenant)
    kept = stored(tenant)
    assert kept == counted(tenant)
    connection().execute("DELETE FROM telemetry_rollup_difference WHERE project_id = %s", [tenant])
    assert list(rollups.rebuild(connection(), project_id=tenant, now=NOW))
    assert stored(tenant) == kept


@pytest.mark.parametrize("seed", range(12))
def test_whatever_comes_in_whatever_order_the_differences_are_those_of_the_calls(seed: int) -> None:
    hold(seed)


def test_a_comparison_that_is_not_made_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparisons, "executions_between", lambda *_, **__: [])
    with pytest.raises(AssertionError):
        hold(seed=0)


def test_a_copy_that_names_an_execution_counts_at_the_time_of_the_call_that_is_stored() -> None:
    tenant = new_tenant()
    send(tenant, [Call(id="1", started_at=AT, model="m", output=1)])
    send(tenant, [Call(id="1", started_at=AT + timedelta(days=2), model="m", output=1, execution_id="r")])
    send(tenant, executions=[Execution(execution_id="r", started_at=AT, tokens_output=3)])
    assert stored(tenant) == counted(tenant) == {"r": (1, None, 0, 3, 1)}


def test_a_difference_whose_calls_may_have_expired_stays() -> None:
    tenant = new_tenant()
    send(tenant, [Call(id="1", started_at=AT, model="m", execution_id="r", output=1)])
    send(tenant, executions=[Execution(execution_id="r", started_at=AT, tokens_output=3)])
    known = stored(tenant)
    assert known == {"r": (1, None, 0, 3, 1)}
    connection().execute("DELETE FROM telemetry_call WHERE project_id = %s", [tenant])
    span = [(AT, AT + timedelta(minutes=1))]
    comparisons.compare(connection(), project_id=tenant, spans=span, calls_from_at=AT + timedelta(days=1))
    assert stored(tenant) == known
    comparisons.compare(connection(), project_id=tenant, spans=span)
    assert stored(tenant) == {}


def test_spans_that_touch_or_overlap_become_one() -> None:
    hours = [AT + timedelta(hours=n) for n in range(6)]
    spans = [(hours[4], hours[5]), (hours[0], hours[2]), (hours[1], hours[1]), (hours[2], hours[3])]
    assert merged(spans) == [(hours[0], hours[3]), (hours[4], hours[5])]
    assert merged([]) == []
