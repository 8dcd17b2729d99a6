"""Calls older than what is kept go, whole days at a time, with what belongs to them; what is kept stays as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection
from pytest_django import Settings

from telemetry.contracts import Call, Execution
from telemetry.ledger import dropping, partitions, retention
from telemetry.series import expiry
from tests.expiring import (
    DAYS,
    NOW,
    attached,
    call,
    count,
    day,
    days_left,
    folded,
    identities,
    kept_hash,
    new_project,
    partition_of,
    send,
)

Ledger = Connection[Any]


@pytest.fixture(autouse=True)
def thirty_days(settings: Settings) -> None:
    """What every test here keeps."""
    settings.RETENTION_DAYS = None
    retention.forget()


def expire(conn: Ledger, settings: Settings, days: int | None = DAYS, **options: Any) -> expiry.Expired:
    settings.RETENTION_DAYS = days
    folded(conn)
    return expiry.expire(conn, now=options.pop("now", NOW), **options)


def test_days_before_the_horizon_are_dropped_and_the_others_are_as_they_were(own: Ledger, settings: Settings) -> None:
    project = new_project(own)
    send(own, project, [call(day(back, second), f"{back}.{second}") for back in range(40) for second in range(3)])
    kept_from = retention.gone_before(DAYS, now=NOW)
    before = kept_hash(own, kept_from)
    done = expire(own, settings)
    assert days_left(own, project) == list(range(DAYS, -1, -1))
    assert kept_hash(own, kept_from) == before
    assert done.partitions[0] == partition_of(39)
    assert identities(own, project) == 3 * (DAYS + 1)


def test_again_there_is_nothing_to_do(own: Ledger, settings: Settings) -> None:
    send(own, new_project(own), [call(day(50)), call(day(1))])
    assert expire(own, settings).partitions == [partition_of(50)]
    assert expire(own, settings) == expiry.Expired()


def test_without_a_setting_everything_stays(own: Ledger, settings: Settings) -> None:
    project = new_project(own)
    send(own, project, [call(day(2000)), call(day(1))])
    assert expire(own, settings, None) == expiry.Expired()
    assert days_left(own, project) == [2000, 1]


def test_a_month_stays_until_its_last_day_has_expired(own: Ledger, settings: Settings) -> None:
    project, now = new_project(own), datetime(NOW.year, 6, 15, tzinfo=UTC) - timedelta(days=365)
    months = [datetime(now.year - 1, month, 20, tzinfo=UTC) for month in (3, 4, 5)]
    send(own, project, [call(at) for at in months], now=now)
    days = (now - datetime(now.year - 1, 4, 30, tzinfo=UTC)).days  # keeps the last day of April
    expire(own, settings, days, now=now)
    names = partitions.partition_names(own)
    assert {f"m{at:%Y%m}" for at in months[1:]} <= names
    assert f"m{months[0]:%Y%m}" not in names
    assert count(own, "telemetry_call", project) == 2


def test_other_names_of_a_call_go_with_it(own: Ledger, settings: Settings) -> None:
    project = new_project(own)
    send(own, project, [call(day(60), "old", aliases=("a", "b")), call(day(1), "new", aliases=("c",), likeness="l")])
    assert identities(own, project) == 6
    expire(own, settings)
    assert identities(own, project) == 3


def test_what_is_older_is_refused_with_the_reason(own: Ledger, settings: Settings) -> None:
    project = new_project(own)
    settings.RETENTION_DAYS = DAYS
    old, new = day(DAYS), day(DAYS - 2)
    receipt = send(
        own, project, [call(old, "old"), call(new)], executions=[Execution(started_at=old, task_id="t", tokens_input=3)]
    )
    assert receipt.accepted == 1
    assert [(one.index, one.id) for one in receipt.rejected] == [(0, "old"), (2, "t")]
    assert {one.reason for one in receipt.rejected} == {"it is older than the 30 days that are kept"}
    assert not attached(own, DAYS)


def test_calls_are_refused_a_day_before_they_may_be_dropped(own: Ledger, settings: Settings) -> None:
    settings.RETENTION_DAYS = DAYS
    project = new_project(own)
    kept = retention.kept(own, project_id=project, now=NOW)
    assert kept.from_at == retention.gone_before(DAYS, now=NOW) + timedelta(days=1)
    assert kept.from_at.time() == datetime.min.time()
    assert NOW - timedelta(days=DAYS + 1) < kept.from_at <= NOW - timedelta(days=DAYS)


def test_what_has_expired_does_not_come_back_when_more_is_kept_again(own: Ledger, settings: Settings) -> None:
    project = new_project(own)
    send(own, project, [call(day(60), "old"), call(day(1))])
    expire(own, settings)
    for days in (400, None):
        settings.RETENTION_DAYS = days
        receipt = send(own, project, [call(day(60), "again"), call(day(DAYS - 3), f"kept, {days}")])
        assert [one.reason for one in receipt.rejected] == ["calls of its day have expired"]
        assert receipt.accepted == 1
    assert days_left(own, project) == [DAYS - 3, 1]


def test_a_new_project_may_bring_days_that_others_have_lost(own: Ledger, settings: Settings) -> None:
    send(own, new_project(own), [call(day(60))])
    expire(own, settings)
    settings.RETENTION_DAYS = None
    later = new_project(own, "later")
    assert send(own, later, [call(day(60), "its own")]).accepted == 1
    assert days_left(own, later) == [60]


def test_a_copy_of_a_call_that_has_expired_adds_nothing(own: Ledger, settings: Settings) -> None:
    """Its identity may be there while its partition is not; a copy by another name or of another time finds it."""
    project = new_project(own)
    send(own, project, [call(day(60), "old", aliases=("other name",))])
    folded(own)
    expiry.note_gone(own, project_id=project, before=day(55))
    dropping.detach_partition(own, partition_of(60))
    fuller = Call(id="old", started_at=day(1), model="house-llama", input_uncached=10, output=500)
    assert send(own, project, [fuller]).duplicates == 1
    named = Call(id="third", started_at=day(1), model="house-llama", output=900, aliases=("other name",))
    assert send(own, project, [named]).accepted == 0
    known = Call(id="fourth", started_at=day(1), model="house-llama", output=7)
    send(own, project, [known])
    bridge = Call(id="fourth", started_at=day(1), model="house-llama", output=7, aliases=("old",))
    assert send(own, project, [bridge]).duplicates == 1
    assert days_left(own, project) == []  # both copies turned out to be the call that is counted in final sums


def test_totals_of_an_expired_execution_stay_in_its_days_sums(own: Ledger, settings: Settings) -> None:
    project = new_project(own)
    send(own, project, executions=[Execution(started_at=day(35), execution_id="e", tokens_input=9, tokens_output=1)])
    settings.RETENTION_DAYS = DAYS
    send(own, project, [call(day(1), "its own", execution_id="e")])
    assert days_left(own, project) == [35, 1]


def test_executions_counters_and_records_set_apart_go_and_sessions_stay(own: Ledger, settings: Settings) -> None:
    project = new_project(own)
    for back in (60, 1):
        send(own, project, [call(day(back), f"{back}", session_id=f"s{back}", execution_id=f"e{back}")])
        own.execute(
            "INSERT INTO telemetry_meterpoint (project_id, series, started_at, at, last_at, session_id, model, agent,"
            " bucket, value) VALUES (%s, gen_random_uuid(), %s, %s, %s, %s, 'm', '', 'input', 1)",
            [project, day(60), day(60), day(back), f"s{back}"],
        )
    send(own, project, [call(datetime(1970, 1, 1, tzinfo=UTC), "apart")], now=day(59))
    send(own, project, [call(datetime(1970, 1, 1, tzinfo=UTC), "apart too")])
    done = expire(own, settings)
    assert (done.executions, done.points, done.quarantined) == (1, 1, 1)
    tables = ("telemetry_execution", "telemetry_meterpoint", "telemetry_quarantined", "telemetry_session")
    assert [count(own, table, project) for table in tables] == [1, 1, 1, 2]
