"""Calls of a session or a run come in order, bounded and whole; lists of runs and sessions read none of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

import pytest

from telemetry.contracts import Call
from telemetry.models import Run
from telemetry.series import call_reading, run_reading, session_reading
from telemetry.series.call_reading import Calls
from tests.ledger_reading import EVER, NOW, added_up, new_tenant, send

AT = datetime.fromisoformat("2026-11-18T09:30:00Z")
pytestmark = pytest.mark.usefixtures("database")


def calls_of(count: int, *, step: timedelta = timedelta(seconds=7), **fields: Any) -> list[Call]:
    """Calls whose context rises and falls, every fifth of a sub-agent, every third without a price."""
    name = str(fields)
    return [
        Call(
            id=f"{name}-{n}",
            started_at=AT + n * step,
            **{
                "model": ("gpt-5", "opus")[n % 2],
                "provider": "nobody",
                "input_uncached": (n * 37) % 101,
                "cache_read": 10,
                "output": 3,
                "cost_usd": None if n % 3 == 2 else Decimal(n) / 1000,
                "session_id": "s-1",
                "subagent_id": "helper" if n % 5 == 4 else "",
                "skill": "pdf" if n % 7 == 0 else "",
                **fields,
            },
        )
        for n in range(count)
    ]


def session(tenant: int, key: str = "s-1", *, last: timedelta = timedelta(hours=30)) -> Calls:
    conn = added_up(tenant)
    return call_reading.calls_of_session(conn, project_id=tenant, session_id=key, first_at=AT, last_at=AT + last)


def run(tenant: int, key: str, **fields: Any) -> Calls:
    """A run whose calls lie within an hour."""
    ends = {"first_call_at": AT, "last_call_at": AT + timedelta(hours=1)}
    Run.objects.create(project_id=tenant, execution_id=key, started_at=AT, **ends, **fields)
    found = run_reading.one_run(added_up(tenant), project_id=tenant, execution_id=key)
    assert found is not None
    return call_reading.calls_of_run(tenant, found)


def test_calls_come_in_order_a_page_at_a_time() -> None:
    tenant, calls = new_tenant(), calls_of(25, step=timedelta(hours=1))
    send(tenant, [*reversed(calls), *calls_of(3, session_id="s-2")], now=NOW)
    asked = session(tenant)
    conn = added_up(tenant)
    pages = [call_reading.calls_in_order(conn, asked, limit=10, offset=offset) for offset in (0, 10, 20)]
    rows = [row for page in pages for row in page]
    assert [row.number for row in rows] == list(range(1, 26))
    assert [row.started_at for row in rows] == [call.started_at for call in calls]
    assert [row.context for row in rows] == [call.input_uncached + 10 for call in calls]
    assert [row.cost_nanousd is None for row in rows] == [call.cost_usd is None for call in calls]


@pytest.mark.parametrize("most", [1, 7, 40, 1000])
def test_points_keep_every_peak_every_call_and_the_cost_at_the_end(most: int) -> None:
    tenant, calls = new_tenant(), calls_of(83)
    send(tenant, calls, now=NOW)
    points = call_reading.call_points(added_up(tenant), session(tenant), most=most)
    for is_subagent in (False, True):
        own = [call for call in calls if bool(call.subagent_id) == is_subagent]
        drawn = [point for point in points if point.is_subagent == is_subagent]
        assert len(drawn) <= most
        assert sum(point.calls for point in drawn) == len(own)
        assert max(point.context for point in drawn) == max(call.input_uncached + 10 for call in own)
    spent = list(accumulate(int((call.cost_usd or 0) * 10**9) for call in calls))
    assert max(point.spent_nanousd for point in points) == spent[-1]
    if most >= len(calls):
        assert [(point.number, point.spent_nanousd) for point in points] == list(enumerate(spent, start=1))


def test_parts_add_up_to_the_whole() -> None:
    tenant, calls = new_tenant(), calls_of(40)
    send(tenant, calls, now=NOW)
    parts = call_reading.call_parts(added_up(tenant), session(tenant))
    for some in (parts.subagent, parts.model):
        assert sum(part.usage.calls for part in some) == 40
        assert sum(part.usage.tokens for part in some) == sum(call.input_uncached + 13 for call in calls)
        assert sum(part.usage.unpriced_calls for part in some) == sum(call.cost_usd is None for call in calls)
    assert {part.usage.key for part in parts.subagent} == {"", "helper"}
    assert [(part.usage.key, part.usage.calls) for part in parts.skill] == [("pdf", 6)]
    assert len(call_reading.call_parts(added_up(tenant), session(tenant), most=1).model) == 1


def test_a_run_has_the_calls_that_name_it_and_no_others_of_its_session() -> None:
    tenant = new_tenant()
    send(tenant, [*calls_of(4, execution_id="run-1"), *calls_of(6)], now=NOW)
    rows = call_reading.calls_in_order(added_up(tenant), run(tenant, "run-1", session_id="s-1"), limit=50)
    assert len(rows) == 4


def test_a_run_that_no_call_names_has_those_of_its_session_while_it_ran() -> None:
    tenant = new_tenant()
    late = timedelta(minutes=20)
    send(tenant, [*calls_of(6, step=late), *calls_of(2, session_id="s-2")], now=NOW)
    rows = call_reading.calls_in_order(added_up(tenant), run(tenant, "run-1", session_id="s-1"), limit=50)
    assert [row.started_at for row in rows] == [AT + n * late for n in range(4)]


def test_a_run_without_calls_has_none() -> None:
    tenant = new_tenant()
    send(tenant, calls_of(2), now=NOW)
    Run.objects.create(project_id=tenant, execution_id="bare", started_at=AT, session_id="s-1")
    found = run_reading.one_run(added_up(tenant), project_id=tenant, execution_id="bare")
    assert found is not None
    calls = call_reading.calls_of_run(tenant, found)
    conn = added_up(tenant)
    assert call_reading.calls_in_order(conn, calls, limit=5) == []
    assert call_reading.call_points(conn, calls) == []


def test_another_project_has_none_of_them() -> None:
    tenant, neighbour = new_tenant(), new_tenant()
    send(tenant, calls_of(3), now=NOW)
    assert session(neighbour).spans == []
    assert session_reading.sessions_between(added_up(neighbour), project_id=neighbour, window=EVER, limit=5) == ([], 0)


def test_an_unknown_filter_is_refused() -> None:
    with pytest.raises(run_reading.UnknownFilter, match="provider"):
        run_reading.count_runs(
            added_up(1), project_id=1, start=EVER.start, end=EVER.end, filters={"provider": ["openai"]}
        )


def test_sums_at_their_largest_value_can_be_ordered_and_added_up() -> None:
    tenant, most = new_tenant(), 2**63 - 1
    fields = {"input_uncached": most, "cache_read": most, "output": most, "session_id": "s-1"}
    for key in ("a", "b"):
        Run.objects.create(project_id=tenant, execution_id=key, started_at=AT, **fields)
    conn = added_up(tenant)
    runs = run_reading.runs_between(conn, project_id=tenant, start=EVER.start, end=EVER.end, order="tokens", limit=None)
    assert [one.usage.tokens for one in runs] == [3 * most] * 2
    assert run_reading.session_in_runs(conn, project_id=tenant, session_id="s-1") == (2, 6 * most)
