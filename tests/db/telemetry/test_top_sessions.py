"""The dearest sessions of a window are found in order of what whole sessions cost, and are those of an adding up."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from telemetry.contracts import Call
from telemetry.database import connection
from telemetry.models import SessionTotal
from telemetry.series import session_reading, session_totals
from telemetry.series.queries import usage_by
from telemetry.series.run_rows import SessionRow
from telemetry.series.session_reading import Order, sessions_between
from telemetry.series.session_totals import SessionTotal as Total
from telemetry.series.session_totals import dearest_sessions, top_sessions
from telemetry.series.window import Window, by_days, by_preset
from tests.ledger_reading import NOW, new_tenant, send
from tests.rollup_reading import fold

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)
WINDOW = by_preset("7d", zone="UTC", now=NOW)


def call(session: str, cost: float, *, days_ago: float = 1.0, output: int = 10) -> Call:
    """A call of a session that somebody says cost so many dollars."""
    return Call(
        id=f"{session} {cost} {days_ago} {output}", started_at=NOW - timedelta(days=days_ago), model="some",
        output=output, cost_usd=Decimal(str(cost)), session_id=session,
    )  # fmt: skip


def assert_found(tenant: int, *, window: Window = WINDOW, limit: int = 3) -> list[str]:
    """The sessions that are found, which must be those of all sessions added up."""
    found = top_sessions(connection(), project_id=tenant, window=window, limit=limit)
    assert found == usage_by(connection(), project_id=tenant, window=window, by="session", limit=limit)
    return [row.key for row in found]


def test_a_session_that_cost_most_of_its_money_before_the_window_is_not_among_them() -> None:
    tenant = new_tenant()
    send(tenant, [call("old", 90, days_ago=30), call("old", 1), *(call(f"s-{n}", n) for n in range(2, 40))])
    fold(tenant)
    assert assert_found(tenant) == ["s-39", "s-38", "s-37"]


def test_many_such_sessions_only_make_the_search_longer() -> None:
    tenant = new_tenant()
    old = [call(f"old-{n}", 90, days_ago=30) for n in range(100)] + [call(f"old-{n}", 1) for n in range(100)]
    send(tenant, [*old, call("new", 2), call("other", 3)])
    fold(tenant)
    assert assert_found(tenant, limit=2) == ["other", "new"]


def test_sessions_without_a_price_are_in_order_of_their_tokens() -> None:
    tenant = new_tenant()
    send(tenant, [call(f"s-{n:02d}", 0, output=n) for n in range(60)])
    fold(tenant)
    assert assert_found(tenant) == ["s-59", "s-58", "s-57"]


def test_calls_without_a_session_are_one_of_the_sessions() -> None:
    tenant = new_tenant()
    send(tenant, [call("", 50), call("one", 60), call("two", 1)])
    fold(tenant)
    assert assert_found(tenant) == ["one", "", "two"]
    assert not SessionTotal.objects.filter(project_id=tenant, session_id="").exists()


def test_whatever_sessions_there_are_the_same_are_found() -> None:
    dice = Random(4)
    tenant = new_tenant()
    send(
        tenant,
        [
            call(f"s-{dice.randrange(150)}", dice.randrange(9), days_ago=dice.random() * 12, output=dice.randrange(5))
            for _ in range(900)
        ],
    )
    fold(tenant)
    for limit in (1, 3, 10, 40):
        assert_found(tenant, limit=limit)


def test_only_as_many_as_are_asked_for_a_few_times_over_are_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = new_tenant()
    send(tenant, [call(f"s-{n}", n) for n in range(100)])
    fold(tenant)
    asked: list[int] = []

    def counted(*arguments: object, count: int, **named: object) -> list[Total]:
        asked.append(count)
        return dearest_sessions(*arguments, count=count, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(session_totals, "dearest_sessions", counted)
    assert_found(tenant)
    assert asked == [12]


def test_what_a_session_costs_in_all_follows_its_calls_when_they_change() -> None:
    tenant = new_tenant()
    send(tenant, [call("one", 5, days_ago=40), call("one", 2)])
    fold(tenant)
    send(tenant, [call("one", 3, days_ago=20)])
    fold(tenant)
    total = SessionTotal.objects.get(project_id=tenant, session_id="one")
    assert (total.cost_nanousd, total.tokens) == (10 * 10**9, 30)
    assert (total.first_at, total.last_at) == (NOW - timedelta(days=40), NOW - timedelta(days=1))


ORDERS: tuple[Order, ...] = ("cost", "tokens", "start")
WINDOWS = (
    WINDOW,
    by_preset("30d", zone="UTC", now=NOW),
    by_days((NOW - 6 * DAY).date(), (NOW - 4 * DAY).date(), zone="UTC"),
    by_days((NOW - 5 * DAY).date(), (NOW - 5 * DAY).date(), zone="Asia/Kolkata"),
    by_days((NOW - 90 * DAY).date(), (NOW - 80 * DAY).date(), zone="UTC"),
)


def page(tenant: int, window: Window, order: Order, offset: int, **filters: list[str]) -> tuple[list[SessionRow], int]:
    """Ten sessions of a list."""
    return sessions_between(
        connection(), project_id=tenant, window=window, filters=filters, order=order, limit=10, offset=offset
    )


def test_pages_of_all_sessions_are_those_of_all_sessions_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """In each order, of windows that sessions go on through, or have calls around but not in."""
    dice, tenant = Random(5), new_tenant()
    calls = [call("", 9), call("around", 3, days_ago=40), call("around", 3, days_ago=0.5)]
    for number in range(60):
        began = dice.random() * 12
        ago = [began, began - dice.random() * began, dice.choice([began, began * 0.01])]
        calls += [call(f"s-{number}", dice.randrange(6), days_ago=one + 0.01, output=dice.randrange(5)) for one in ago]
    send(tenant, calls)
    fold(tenant)
    asked = [(window, order, offset) for window in WINDOWS for order in ORDERS for offset in (0, 10, 50, 60, 100)]
    found = [page(tenant, *one) for one in asked]
    monkeypatch.setattr(session_reading, "MOST_FOUND", 0)
    assert found == [page(tenant, *one) for one in asked]
    assert {total for _, total in found} > {0, 61}


def test_a_page_of_all_sessions_adds_up_a_few_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = new_tenant()
    send(tenant, [call(f"s-{n}", n) for n in range(200)])
    fold(tenant)
    monkeypatch.setattr(session_reading, "rows_between", None)  # by which all would be read
    for order in ORDERS:
        listed, total = page(tenant, WINDOW, order, 0)
        assert (len(listed), total) == (10, 200)
    with pytest.raises(TypeError):
        page(tenant, WINDOW, "cost", 0, model=["some"])
