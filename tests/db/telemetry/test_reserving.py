"""Reserve, settle, expire: what is granted and lowered, who refuses, and how counters follow the ledger."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.errors import UniqueViolation

from telemetry.contracts import Call, UsageRow
from telemetry.database import connection
from telemetry.limits import reserving
from telemetry.limits.windows import UNPRICED_INPUT, UNPRICED_OUTPUT, Asked, Reserved, Spent, Whose, Window, spent
from telemetry.models import Budget
from tests.ledger_reading import added_up, new_tenant, send
from tests.reserving import ME, NOW, Books, books, call, granted, spans

pytestmark = pytest.mark.usefixtures("database")
LATER = NOW + reserving.COUNTED + timedelta(seconds=1)


@pytest.fixture
def tenant() -> int:
    return new_tenant()


def reserve(tenant: int, scopes: list[Window], amount: Asked, **changes: Any) -> Reserved:
    asked = {"now": NOW, **changes}
    return reserving.reserve(connection(), project_id=tenant, scopes=scopes, amount=amount, **asked)


def settle(tenant: int, *told: Spent, is_recorded: bool = True, now: Any = NOW) -> list[str]:
    return reserving.settle(connection(), project_id=tenant, spent=told, is_recorded=is_recorded, now=now)


def written(tenant: int) -> Books:
    found = books(connection(), tenant)
    assert found.leaked == 0
    return found


def used(tenant: int) -> dict[str, int]:
    return {name: one[0] for name, one in written(tenant).windows.items()}


def recorded(name: str, *, tokens: int, **fields: Any) -> Call:
    told: dict[str, Any] = {"session_id": "s", "agent": "builder", "model": "house-llama"}
    return Call(**{"id": name, "started_at": NOW, "input_uncached": tokens, **told, **fields})


def test_a_call_holds_what_it_may_come_to_in_every_scope_until_it_is_settled(tenant: int) -> None:
    scopes = spans(granted(100_000), granted(50_000, scope="agent", subject="builder", period="week"))
    held = reserve(tenant, scopes, call(3_000, 2_000), reservation_id="one")
    assert (held.is_granted, held.output, held.reservation_id) == (True, 2_000, "one")
    assert written(tenant).windows == {"agent:builder:": (0, 5_000, 50_000), "project::": (0, 5_000, 100_000)}
    assert settle(tenant, Spent("one", weighted=1, gross=3_500)) == ["one"]
    assert written(tenant).windows == {"agent:builder:": (3_500, 0, 50_000), "project::": (3_500, 0, 100_000)}
    assert settle(tenant, Spent("one", gross=9)) == settle(tenant, Spent("another", gross=9)) == []
    assert used(tenant) == {"agent:builder:": 3_500, "project::": 3_500}


def test_more_output_than_is_left_is_lowered_and_only_under_a_thousand_refused(tenant: int) -> None:
    scopes = spans(granted(10_000, period="session"))  # of which 500 are held back
    lowered = reserve(tenant, scopes, call(2_000, 64_000))
    assert (lowered.is_granted, lowered.wanted, lowered.output) == (True, 64_000, 7_500)
    settle(tenant, Spent(lowered.reservation_id, gross=8_400))
    refused = reserve(tenant, scopes, call(101, 4_000))
    assert (refused.is_granted, refused.output) == (False, 0)
    (no,) = refused.refused_by
    assert (no.window.grant.scope, no.used, no.left, no.output) == ("project", 8_400, 1_600, 999)
    assert reserve(tenant, scopes, call(100, 4_000)).output == 1_000
    assert written(tenant).leases == {"open": 1, "settled": 1}


def test_a_call_that_wants_few_tokens_is_not_refused_while_they_are_there(tenant: int) -> None:
    scopes = spans(granted(1_000))
    assert reserve(tenant, scopes, call(900, 50)).output == 50
    assert not reserve(tenant, scopes, call(0, 1)).is_granted


def test_one_scope_without_room_refuses_and_nothing_is_held_in_the_others(tenant: int) -> None:
    scopes = spans(granted(10**9), granted(2_000, scope="agent", subject="builder"), granted(10**9, period="month"))
    refused = reserve(tenant, scopes, call(1_500, 2_000))
    assert [stand.window.grant.scope for stand in refused.refused_by] == ["agent"]
    assert written(tenant).leases == {}
    assert set(used(tenant).values()) == {0}


def test_what_is_held_back_is_there_for_the_final_summary_alone(tenant: int) -> None:
    scopes = spans(granted(40_000, period="session"))
    reserve(tenant, scopes, call(38_000))
    assert not reserve(tenant, scopes, call(500, 1_500)).is_granted
    final = reserve(tenant, scopes, call(500, 4_000, is_final=True))
    assert (final.is_granted, final.output) == (True, 1_500)
    assert not reserve(tenant, scopes, call(0, 1, is_final=True)).is_granted


@pytest.mark.parametrize("mode", ["shadow", "warn"])
def test_a_budget_that_is_not_enforced_refuses_and_lowers_nothing_but_counts(tenant: int, mode: Any) -> None:
    scopes = spans(granted(1_000, mode=mode))
    over = reserve(tenant, scopes, call(5_000, 3_000))
    assert (over.is_granted, over.output, over.refused_by, over.mode) == (True, 3_000, (), mode)
    assert (over.stands[0].stage, over.stands[0].output) == ("exceeded", -1)
    assert written(tenant).windows["project::"] == (0, 8_000, 1_000)


def test_how_full_it_gets_is_told_before_it_is_full(tenant: int) -> None:
    scopes = spans(granted(100_000))
    stages = [reserve(tenant, scopes, call(tokens)).stands[0].stage for tokens in (79_999, 1, 9_999, 1, 5_000)]
    assert stages == ["ok", "warn", "warn", "compress", "compress"]


def test_each_budget_is_counted_in_its_own_unit(tenant: int) -> None:
    kinds = ("weighted", "gross", "usd")
    scopes = spans(*(granted(10**12, counts=counts) for counts in kinds))  # type: ignore[arg-type]
    held = reserve(tenant, scopes, call(1_000, 500, nanousd=3_000))
    assert sorted(stand.takes for stand in held.stands) == [1_500, 1_500, 4_500_000]
    usage = UsageRow(input_uncached=400, cache_read=600, output=100)
    settle(tenant, spent(held.reservation_id, usage, cost_nanousd=1_234))
    found = connection().execute("SELECT counts, used FROM telemetry_budget_window WHERE project_id = %s", [tenant])
    assert dict(found.fetchall()) == {"weighted": 560, "gross": 1_100, "usd": 1_234}


def test_a_model_without_a_price_counts_as_a_dear_one_and_a_free_one_as_nothing(tenant: int) -> None:
    scopes = spans(granted(1_000_000_000, counts="usd"))  # a dollar
    unpriced = reserve(tenant, scopes, call(10_000, 50_000, nanousd=None))
    assert unpriced.output == (950_000_000 - 10_000 * UNPRICED_INPUT) // UNPRICED_OUTPUT < 50_000
    settle(tenant, spent(unpriced.reservation_id, UsageRow(input_uncached=10_000, output=10_000), cost_nanousd=None))
    assert used(tenant) == {"project::": 900_000_000}
    assert not reserve(tenant, scopes, call(10_000, 1_000, nanousd=None)).is_granted
    assert reserve(tenant, scopes, call(10**7, 10**6, nanousd=0)).output == 10**6
    send(tenant, [recorded("c", tokens=10_000, output=10_000), recorded("d", tokens=10**6, model="x:free")])
    added_up(tenant)
    reserving.count(connection(), project_id=tenant, scopes=scopes, now=LATER)
    assert used(tenant) == {"project::": 900_000_000}


def test_a_lease_that_expires_is_charged_in_full_listed_and_freed_once_it_is_known(tenant: int) -> None:
    scopes = spans(granted(100_000))
    reserve(tenant, scopes, call(4_000, 2_000), reservation_id="dead", until=NOW + timedelta(minutes=1))
    assert reserving.expire_leases(connection(), project_id=tenant, now=NOW + timedelta(seconds=59)) == []
    assert reserving.expire_leases(connection(), project_id=tenant, now=NOW + timedelta(seconds=61)) == ["dead"]
    assert reserving.expire_leases(connection(), project_id=tenant, now=NOW + timedelta(seconds=61)) == []
    reserving.forget_leases(connection(), project_id=tenant, now=NOW + timedelta(hours=1))
    reserving.count(connection(), project_id=tenant, scopes=scopes, now=NOW + timedelta(hours=1))
    assert (written(tenant).windows, written(tenant).leases) == ({"project::": (6_000, 0, 100_000)}, {"expired": 1})
    assert settle(tenant, Spent("dead", gross=700), now=NOW + timedelta(hours=1)) == ["dead"]
    assert written(tenant).windows == {"project::": (700, 0, 100_000)}


def test_one_that_was_not_used_is_given_back(tenant: int) -> None:
    scopes = spans(granted(10_000))
    reserve(tenant, scopes, call(9_000), reservation_id="one")
    assert not reserve(tenant, scopes, call(9_000)).is_granted
    assert reserving.release(connection(), project_id=tenant, reservation_id="one", now=NOW)
    assert not reserving.release(connection(), project_id=tenant, reservation_id="one", now=NOW)
    assert reserve(tenant, scopes, call(9_000)).is_granted


def test_a_second_reservation_of_one_name_is_refused_and_holds_nothing(tenant: int) -> None:
    scopes = spans(granted(10_000))
    reserve(tenant, scopes, call(1_000), reservation_id="one")
    with pytest.raises(UniqueViolation):
        reserve(tenant, scopes, call(1_000), reservation_id="one")
    assert written(tenant).windows == {"project::": (0, 1_000, 10_000)}


def test_looking_holds_nothing(tenant: int) -> None:
    scopes = spans(granted(10_000))
    seen = reserving.look(connection(), project_id=tenant, scopes=scopes, amount=call(1_000, 64_000), now=NOW)
    assert (seen.is_granted, seen.output, seen.reservation_id) == (True, 8_500, "")
    assert (written(tenant).windows["project::"], written(tenant).leases) == ((0, 0, 10_000), {})


def test_a_limit_that_is_lowered_meanwhile_admits_nobody_and_takes_nothing_away(tenant: int) -> None:
    grant = granted(10_000)
    reserve(tenant, spans(grant), call(6_000), reservation_id="one")
    lower = spans(type(grant)(grant.budget_id, "project", "", "day", "gross", 5_000, "enforce", None))
    refused = reserve(tenant, lower, call(1))
    assert (refused.is_granted, refused.stands[0].left) == (False, 0)
    settle(tenant, Spent("one", gross=100))
    assert reserve(tenant, lower, call(4_000)).is_granted


def test_what_calls_of_other_routes_used_is_there_when_a_window_begins_and_ten_seconds_later(tenant: int) -> None:
    scopes = spans(granted(10_000), granted(10_000, scope="agent", subject="builder", period="session"))
    send(tenant, [recorded("before", tokens=5_000), recorded("other", tokens=1_000, session_id="t", agent="x")])
    added_up(tenant)
    refused = reserve(tenant, scopes, call(3_000, 1_000))
    assert [stand.window.grant.period for stand in refused.refused_by] == ["day"]
    assert used(tenant) == {"agent:builder:s": 5_000, "project::": 6_000}
    send(tenant, [recorded("meanwhile", tokens=900)])
    added_up(tenant)
    assert used(tenant)["project::"] == 6_000
    reserve(tenant, scopes, call(1_000), now=LATER)
    assert used(tenant) == {"agent:builder:s": 5_900, "project::": 6_900}


def test_a_window_that_refuses_by_old_figures_looks_at_the_ledger_first(tenant: int) -> None:
    scopes = spans(granted(10_000))
    reserve(tenant, scopes, call(9_000), reservation_id="one")
    settle(tenant, Spent("one", gross=9_000))  # of which the ledger never heard
    assert not reserve(tenant, scopes, call(9_000)).is_granted
    assert reserve(tenant, scopes, call(9_000), now=LATER).is_granted


def test_a_call_counts_once_whether_it_is_settled_recorded_or_folded(tenant: int) -> None:
    scopes = spans(granted(100_000))
    reserve(tenant, scopes, call(2_000), reservation_id="one")
    send(tenant, [recorded("one", tokens=1_700)])
    settle(tenant, Spent("one", gross=1_700))
    counts = []
    for fold in (False, True, True):
        if fold:
            added_up(tenant)
        reserving.count(connection(), project_id=tenant, scopes=scopes, now=LATER)
        counts.append(used(tenant)["project::"])
        reserving.forget_leases(connection(), project_id=tenant, now=LATER)
    assert counts == [1_700, 1_700, 1_700]
    assert written(tenant).leases == {}


def test_what_an_agent_settles_itself_counts_until_its_telemetry_must_be_there(tenant: int) -> None:
    scopes = spans(granted(100_000))
    reserve(tenant, scopes, call(2_000), reservation_id="one")
    settle(tenant, Spent("one", gross=1_700), is_recorded=False)
    for after, expected in ((reserving.BELIEVED, 0), (reserving.BELIEVED - timedelta(seconds=1), 1_700)):
        reserving.count(connection(), project_id=tenant, scopes=scopes, now=NOW + after)
        assert used(tenant) == {"project::": expected}


def test_a_sub_agent_draws_on_its_parent_s_session(tenant: int) -> None:
    Budget.objects.create(project_id=None, scope="session", subject="parent", period="session", amount=20_000)
    try:
        child = Whose(session_id="child", session_type="sub_agent", parent_session="parent")
        asked: dict[str, Any] = {"project_id": tenant, "zone": "UTC", "now": NOW}
        own = reserving.windows(connection(), whose=Whose(session_id="parent"), **asked)
        drawn = reserving.windows(connection(), whose=child, **asked)
    finally:
        Budget.objects.filter(subject="parent").delete()
    (shared,) = [window for window in drawn if window.span == "parent"]
    assert (shared.id, shared.sessions) == (own[0].id, ("parent", "child"))
    send(tenant, [recorded(f"of {name}", tokens=2_000, session_id=name) for name in ("parent", "child", "stranger")])
    added_up(tenant)
    assert reserve(tenant, own, call(100)).stands[0].used == 2_000
    (of_parent,) = [one for one in reserve(tenant, drawn, call(100)).stands if one.window.span == "parent"]
    assert (of_parent.used, of_parent.reserved) == (4_000, 100)
    assert reserve(tenant, own, call(100)).stands[0].used == 4_000


def test_spans_are_those_of_the_project_s_zone_and_what_is_not_known_has_none() -> None:
    kinds = ("day", "week", "month", "session", "run")
    grants = [granted(1, period=period) for period in kinds]  # type: ignore[arg-type]
    by_period = {window.grant.period: window for window in spans(*grants)}
    assert [by_period[period].span for period in ("session", "run")] == ["s", "e"]
    week = by_period["week"]
    assert week.from_at is not None
    assert week.to_at is not None
    assert (week.from_at.isoformat(), week.to_at - week.from_at) == ("2026-11-16T00:00:00+00:00", timedelta(days=7))
    assert {window.grant.period for window in spans(*grants, whose=Whose())} == {"day", "week", "month"}
    tomorrow = spans(*grants, whose=ME, now=NOW + timedelta(days=1))
    assert len({window.id for window in tomorrow} & {window.id for window in by_period.values()}) == 4


def test_what_is_over_for_long_is_forgotten_and_what_goes_on_is_not(tenant: int) -> None:
    scopes = spans(granted(10_000), granted(10_000, period="session"))
    reserve(tenant, scopes, call(100), reservation_id="one")
    much_later = NOW + reserving.KEPT + timedelta(days=31)
    reserving.forget_windows(connection(), project_id=tenant, now=much_later)
    assert len(written(tenant).windows) == 2
    settle(tenant, Spent("one"))
    reserving.forget_leases(connection(), project_id=tenant, now=LATER)
    reserving.forget_windows(connection(), project_id=tenant, now=NOW + timedelta(days=40))
    assert len(written(tenant).windows) == 2
    reserving.forget_windows(connection(), project_id=tenant, now=much_later)
    assert (written(tenant).windows, written(tenant).leases) == ({}, {})
