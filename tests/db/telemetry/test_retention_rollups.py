"""Sums outlive calls: whatever comes or is done after a day has expired, its sums are those of its calls, the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection
from pytest_django import Settings

from telemetry.contracts import Call, Execution
from telemetry.ledger import dirty, purging, repricing, retention
from telemetry.series import expiry, rollups
from tests.expiring import DAYS, NOW, call, day, days_left, folded, new_project, send, sums

Ledger = Connection[Any]
BACK = (70, 60, 45, 35, 32, 31, 30, 29, 3, 0)


@pytest.fixture
def project(own: Ledger, settings: Settings) -> int:
    """A project with calls and executions of two months, all folded, thirty days of which are kept."""
    settings.RETENTION_DAYS = None
    retention.forget()
    project = new_project(own)
    calls = [call(day(back, 40 * n), f"{back}.{n}", session_id=f"s{n % 3}") for back in BACK for n in range(30)]
    runs = [Execution(execution_id=f"e{back}", started_at=day(back), tokens_input=3, tokens_output=4) for back in BACK]
    send(own, project, calls, executions=runs)
    folded(own)
    settings.RETENTION_DAYS = DAYS
    return project


def expire(conn: Ledger) -> None:
    """Calls and executions go."""
    folded(conn)
    assert expiry.expire(conn, now=NOW).partitions


def test_expiry_changes_no_sum(project: int, own: Ledger) -> None:
    before = sums(own, project)
    assert [row[1] for row in before["1d"]] == [31] * len(BACK)
    expire(own)
    folded(own)
    assert days_left(own, project) == [back for back in BACK if back <= DAYS]
    assert sums(own, project) == before


def test_a_late_call_of_an_expired_day_takes_nothing_from_its_sums(
    project: int, own: Ledger, settings: Settings
) -> None:
    before = sums(own, project)
    expire(own)
    for days in (DAYS, 3000, None):
        settings.RETENTION_DAYS = days
        assert len(send(own, project, [call(day(60), f"late, {days}")]).rejected) == 1
    folded(own)
    assert sums(own, project) == before


def test_even_a_marked_minute_of_an_expired_day_is_not_counted_anew(project: int, own: Ledger) -> None:
    """A batch may have begun before the setting was made smaller; its mark comes after the calls of its day went."""
    before = sums(own, project)
    expire(own)
    dirty.mark(own, project_id=project, moments=[day(back, 40 * n) for back in BACK for n in range(30)])
    folded(own)
    assert sums(own, project) == before


def test_without_the_note_such_a_mark_would_empty_the_sums(project: int, own: Ledger) -> None:
    before = sums(own, project)
    expire(own)
    own.execute("UPDATE telemetry_project SET calls_kept_from_at = NULL")
    dirty.mark(own, project_id=project, moments=[day(60)])
    folded(own)
    assert sums(own, project)["15m"] != before["15m"]


def test_a_rebuild_leaves_expired_days_and_makes_the_others(project: int, own: Ledger) -> None:
    before = sums(own, project)
    expire(own)
    first = day(BACK[0]).date()
    assert list(rollups.rebuild(own, project_id=project, now=NOW, first=first, last=NOW.date()))
    assert sums(own, project) == before
    own.execute("UPDATE telemetry_rollup_15m SET calls = 0 WHERE bucket >= %s", [day(3) - timedelta(days=1)])
    list(rollups.rebuild(own, project_id=project, now=NOW, first=first, last=NOW.date()))
    assert sums(own, project) == before


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns", "Pacific/Chatham"])
def test_in_another_zone_expired_days_are_cut_anew_from_their_quarters(project: int, own: Ledger, zone: str) -> None:
    expire(own)
    total = [sum(row[1] for row in rows) for rows in sums(own, project).values()]
    own.execute("UPDATE telemetry_project SET time_zone = %s", [zone])
    rollups.fold_due(own, now=NOW + timedelta(hours=1))
    assert [sum(row[1] for row in rows) for rows in sums(own, project).values()] == total
    assert {row[0].utcoffset() for row in sums(own, project)["1d"]} == {timedelta(0)}
    assert own.execute("SELECT zone FROM telemetry_rollup_state WHERE project_id = %s", [project]).fetchone() == (zone,)
    minutes = {row[0].minute for row in sums(own, project)["1d"]}
    assert minutes <= {30, 15, 45}


def test_repricing_reaches_back_to_what_is_kept(project: int, own: Ledger) -> None:
    """A month's partition may hold expired calls; their sums could not follow."""
    before = sums(own, project)
    expiry.note_gone(own, project_id=project, before=retention.gone_before(DAYS, now=NOW))
    days = [begin for begin, _ in repricing.reprice(own, project_id=project, start=day(80), end=NOW)]
    assert min(days) == retention.gone_before(DAYS, now=NOW)
    folded(own)
    assert sums(own, project) == before


def test_calls_that_a_project_no_longer_keeps_stay_in_its_sums(
    project: int, own: Ledger, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "PAGE", 11)
    settings.RETENTION_DAYS = None
    before = sums(own, project)
    own.execute("UPDATE telemetry_project SET retention_days = 5")
    assert expiry.expire(own, now=NOW).calls == 31 * 8
    dirty.mark(own, project_id=project, moments=[day(back) for back in BACK])
    folded(own)
    assert days_left(own, project) == [3, 0]
    assert sums(own, project) == before


def test_what_waits_is_summed_up_before_its_calls_go(project: int, own: Ledger) -> None:
    retention.forget()
    before = sums(own, project)["1d"]
    send(own, project, [call(day(31), "late but in time")], now=NOW - timedelta(days=5))
    expiry.expire(own, now=NOW)
    assert days_left(own, project)[0] == 30
    after = {row[0]: row[1] for row in sums(own, project)["1d"]}
    midnight = day(31).replace(hour=0)
    assert after == {row[0]: row[1] for row in before} | {midnight: 32}


def test_a_copy_of_an_expired_call_and_the_calls_of_an_expired_execution_change_no_final_sum(
    project: int, own: Ledger
) -> None:
    final = final_sums(own, project)
    expire(own)
    copy = Call(id="60.1", started_at=day(1), model="house-llama", input_uncached=10, output=900)
    other_name = Call(id="x", started_at=day(1), model="house-llama", output=1, aliases=("60.2",))
    of_old_run = call(day(1), "of an old run", execution_id="e30")
    send(own, project, [copy, other_name, of_old_run])
    folded(own)
    assert final_sums(own, project) == final


def final_sums(conn: Ledger, project: int) -> list[tuple[datetime, Any]]:
    """Of the days before what is kept, how many calls and tokens."""
    mark = retention.gone_before(DAYS, now=NOW)
    return [row for row in sums(conn, project)["15m"] if row[0] < mark]
