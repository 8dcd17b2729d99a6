"""Who is folded when: by the beat, and for readers with and without patience; and that a bad project harms no other."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from telemetry.access.projects import ensure_project
from telemetry.contracts import Call
from telemetry.database import connection
from telemetry.models import Dirty, Project, RollupState
from telemetry.series import rollup_tables, rollups
from telemetry.series.rollups import Freshness, catch_up, fold_due, lock
from tests.conftest import database_url
from tests.ledger_reading import NOW, new_tenant, send
from tests.rollup_reading import counted, fold, folded, total

pytestmark = pytest.mark.usefixtures("nothing_waits")
SECOND = timedelta(seconds=1)


def call(name: str, at: datetime = NOW - timedelta(minutes=20)) -> Call:
    """A call of one token."""
    return Call(id=name, started_at=at, model="m", output=1)


def is_marked(project: Project) -> bool:
    """Whether something waits to be folded."""
    return Dirty.objects.filter(project_id=project.pk).exists()


def let_folds_take(project_id: int, milliseconds: int) -> None:
    """As if the last fold had been so dear, now."""
    RollupState.objects.filter(project_id=project_id).update(fold_ms=milliseconds, folded_at=NOW)


def test_the_beat_folds_every_project_that_has_marks() -> None:
    projects = [ensure_project(slug=f"p{uuid.uuid4().hex[:12]}") for _ in range(3)]
    for project in projects:
        send(project.pk, [call("one")])
    fold_due(connection(), now=NOW)
    assert [is_marked(project) for project in projects] == [False] * 3
    assert [total(project.pk, "1d")["calls"] for project in projects] == [1, 1, 1]


def test_the_next_fold_comes_when_ten_times_the_cost_of_the_last_one_has_passed(project: Project) -> None:
    send(project.pk, [call("one")])
    fold(project.pk)
    let_folds_take(project.pk, 500)
    send(project.pk, [call("two")])
    fold_due(connection(), now=NOW + 4 * SECOND)
    assert is_marked(project)
    fold_due(connection(), now=NOW + 5 * SECOND)
    assert not is_marked(project)


def test_nobody_waits_longer_than_a_minute_for_the_next_fold(project: Project) -> None:
    send(project.pk, [call("one")])
    fold(project.pk)
    let_folds_take(project.pk, 3_600_000)
    send(project.pk, [call("two")])
    fold_due(connection(), now=NOW + 60 * SECOND)
    assert not is_marked(project)


def test_a_clock_that_was_set_back_does_not_stop_folding(project: Project) -> None:
    send(project.pk, [call("one")])
    fold(project.pk, now=NOW + timedelta(days=1))
    send(project.pk, [call("two")])
    fold_due(connection(), now=NOW)
    assert not is_marked(project)
    assert folded(project.pk) == counted(project.pk)


def test_a_project_that_somebody_folds_is_left_to_him(project: Project) -> None:
    send(project.pk, [call("one")])
    with psycopg.connect(database_url()) as other:
        lock(other, project_id=project.pk)
        fold_due(connection(), now=NOW)
        assert is_marked(project)
    fold_due(connection(), now=NOW)
    assert not is_marked(project)


def test_a_project_that_cannot_be_folded_keeps_none_of_the_others(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    others = [ensure_project(slug=f"p{uuid.uuid4().hex[:12]}") for _ in range(2)]
    for each in (project, *others):
        send(each.pk, [call("one")])
    real = rollup_tables.roll_calls

    def break_down(conn: Connection[Any], *, project_id: int, spans: Sequence[Any]) -> None:
        if project_id == project.pk:
            conn.execute("SELECT 1 / 0")
        real(conn, project_id=project_id, spans=spans)

    monkeypatch.setattr(rollup_tables, "roll_calls", break_down)
    with caplog.at_level(logging.ERROR):
        fold_due(connection(), now=NOW)
    assert f"Project {project.pk} could not be folded." in caplog.text
    assert [is_marked(each) for each in (project, *others)] == [True, False, False]
    monkeypatch.undo()
    fold_due(connection(), now=NOW + 30 * SECOND)  # else its error would fill the log every two seconds
    assert is_marked(project)
    fold_due(connection(), now=NOW + timedelta(minutes=2))
    assert folded(project.pk) == counted(project.pk)


def test_a_zone_that_this_machine_does_not_know_keeps_nobody_from_reading(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    send(project.pk, [call("one")])
    fold(project.pk)
    Project.objects.filter(pk=project.pk).update(time_zone="Europe/Atlantis")
    assert catch_up(connection(), project_id=project.pk, now=NOW, patience=5) == Freshness(
        call("one").started_at, "UTC", False
    )
    assert "is not an IANA time zone" in caplog.text


def test_a_connection_that_breaks_in_the_middle_of_a_fold_leaves_nothing_half_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tenant = new_tenant()
    send(tenant, [call("one")])
    fold(tenant)
    send(tenant, [call("two")])

    def break_off(conn: Connection[Any], *_: Any, **__: Any) -> None:
        conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(rollup_tables, "roll_up", break_off)
    with psycopg.connect(database_url(), autocommit=True) as own, pytest.raises(psycopg.OperationalError):
        catch_up(own, project_id=tenant, now=NOW, patience=5)
    monkeypatch.undo()
    assert {total(tenant, table)["calls"] for table in folded(tenant) if table != "session"} == {1}
    fold(tenant)
    assert folded(tenant) == counted(tenant)


def test_a_reader_learns_that_not_all_could_be_folded(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tenant = new_tenant()
    send(tenant, [call("one")])
    fold(tenant)
    send(tenant, [call("two")])
    monkeypatch.setattr(rollup_tables, "roll_calls", lambda conn, **_: conn.execute("SELECT 1 / 0"))
    assert catch_up(connection(), project_id=tenant, now=NOW, patience=5).is_clean is False
    assert "could not be folded" in caplog.text
    assert total(tenant, "15m")["calls"] == 1


def test_without_patience_dear_folds_are_left_to_the_beat_unless_it_does_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rollups, "CHEAP", timedelta(milliseconds=100))
    tenant = new_tenant()
    send(tenant, [call("one")])
    assert catch_up(connection(), project_id=tenant, now=NOW).is_clean
    let_folds_take(tenant, 1_000)
    send(tenant, [call("two", NOW - timedelta(minutes=1))])
    for seconds in (9, 10, 19):
        assert catch_up(connection(), project_id=tenant, now=NOW + seconds * SECOND) == Freshness(
            NOW - timedelta(minutes=20), "UTC", False
        )
    assert catch_up(connection(), project_id=tenant, now=NOW + 20 * SECOND) == Freshness(
        NOW - timedelta(minutes=1), "UTC", True
    )


def test_a_page_does_not_wait_for_a_fold_that_turns_out_dear_and_puts_nothing_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rollups, "_GLANCE_S", 0.2)
    tenant = new_tenant()
    send(tenant, [call("one")])
    fold(tenant)
    send(tenant, [call("two")])
    before = RollupState.objects.filter(project_id=tenant).values().get()
    monkeypatch.setattr(rollup_tables, "roll_calls", lambda conn, **_: conn.execute("SELECT pg_sleep(600)"))
    assert catch_up(connection(), project_id=tenant, now=NOW).is_clean is False
    assert (RollupState.objects.filter(project_id=tenant).values().get(), caplog.text) == (before, "")
    monkeypatch.undo()
    fold(tenant)
    assert folded(tenant) == counted(tenant)


def test_a_backlog_is_folded_day_by_day_the_newest_first_whatever_order_it_came_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tenant, folds = new_tenant(), list[set[date]]()
    real = rollup_tables.roll_calls

    def note(conn: Connection[Any], *, project_id: int, spans: Sequence[Any]) -> None:
        folds.append({start.date() for start, _ in spans})
        real(conn, project_id=project_id, spans=spans)

    monkeypatch.setattr(rollup_tables, "roll_calls", note)
    moments = [NOW - timedelta(minutes=20 * n) for n in range(400)]
    for batch in range(5):
        send(tenant, [call(f"{batch}-{n}", at) for n, at in enumerate(moments[batch::5])])
    fold(tenant)
    assert folds == [{day} for day in sorted({at.date() for at in moments}, reverse=True)]
    assert folded(tenant) == counted(tenant)


def test_a_batch_is_one_mark_for_each_utc_day_that_it_touches() -> None:
    tenant = new_tenant()
    send(tenant, [call(str(n), NOW - timedelta(hours=n)) for n in range(30)])
    marks = {row.day: len(row.minutes) for row in Dirty.objects.filter(project_id=tenant)}
    assert marks == {date(2026, 11, 20): 13, date(2026, 11, 19): 17}


def test_more_marks_of_a_day_than_one_fold_takes_are_folded_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollups, "MOST_MARKS", 3)
    tenant = new_tenant()
    for n in range(8):
        send(tenant, [call(str(n), NOW - timedelta(minutes=5 * n))])
    fold(tenant)
    assert folded(tenant) == counted(tenant)


def test_days_are_cut_anew_when_the_project_moves_to_another_zone(project: Project) -> None:
    moments = [NOW - timedelta(hours=7 * n) for n in range(12)]
    send(project.pk, [call(str(n), at) for n, at in enumerate(moments)])
    fold(project.pk)
    for zone in ("Asia/Kathmandu", "America/St_Johns", "UTC"):
        Project.objects.filter(pk=project.pk).update(time_zone=zone)
        assert catch_up(connection(), project_id=project.pk, now=NOW).zone != zone  # takes too long for a page
        fold_due(connection(), now=NOW + timedelta(minutes=5))
        assert fold(project.pk).zone == zone
        assert folded(project.pk) == counted(project.pk, zone)


def test_nothing_is_folded_in_a_transaction_that_may_see_an_older_state() -> None:
    tenant = new_tenant()
    send(tenant, [call("one")])
    with connection().transaction(), pytest.raises(RuntimeError, match="a transaction of its own"):
        catch_up(connection(), project_id=tenant, now=NOW)


def test_a_project_without_calls_is_clean_and_was_never_folded() -> None:
    assert catch_up(connection(), project_id=new_tenant(), now=NOW, patience=1) == Freshness(None, None, True)


def test_the_newest_call_is_the_newest_that_is_left() -> None:
    tenant = new_tenant()
    late = datetime(2026, 11, 20, 11, tzinfo=UTC)
    send(tenant, [call("early", late - timedelta(hours=2)), call("late", late)])
    assert fold(tenant).fresh_to == late
    send(tenant, [Call(id="late", started_at=late, model="m", aliases=("early",))])
    assert fold(tenant).fresh_to == late - timedelta(hours=2)
