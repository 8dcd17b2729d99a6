"""`tloi retention` says what would go and changes nothing, unless it is told to; `tloi doctor` sees what is left."""

from __future__ import annotations

import re
from typing import Any

import pytest
from psycopg import Connection
from pytest_django import Settings

from telemetry.ledger import dropping, partitions, retention
from tests.expiring import call, day, days_left, folded, new_project, partition_of, send
from tests.own_database import call as tloi
from tests.own_database import run_tloi, start_tloi
from tests.stalls import reading, until

Ledger = Connection[Any]
THIRTY = {"TLOI_RETENTION_DAYS": "30"}


@pytest.fixture
def project(own: Ledger, settings: Settings) -> int:
    """Two projects, the first of which keeps ten days, with calls of 60 days ago, 20, and yesterday."""
    settings.RETENTION_DAYS = None
    project, other = new_project(own, "first"), new_project(own, "second")
    retention.forget()
    for one in (project, other):
        send(own, one, [call(day(back)) for back in (60, 20, 0)])
    own.execute("UPDATE telemetry_project SET retention_days = 10 WHERE id = %s", [project])
    folded(own)
    return project


def test_it_says_what_would_go_and_then_does_it(project: int, own: Ledger, own_url: str) -> None:
    own.execute("ANALYZE telemetry_call")
    told = run_tloi(own_url, "retention", **THIRTY)
    assert re.sub(r"[0-9.]+ MiB", "some MiB", told.stdout).splitlines() == [
        "TLOI_RETENTION_DAYS: 30 days are kept; projects may keep less.",
        f"partition {partition_of(60)}: would be dropped, about 2 calls, some MiB",
        f"project first: calls before {retention.gone_before(10, now=day(-1)):%Y-%m-%d} UTC would be deleted",
        "Nothing was changed; --apply does it.",
    ]
    assert days_left(own, project) == [60, 20, 0]
    done = run_tloi(own_url, "retention", "--apply", **THIRTY)
    assert done.stdout.splitlines()[0] == f"partition {partition_of(60)}: dropped"
    assert "calls of projects that keep less: 1 deleted" in done.stdout
    assert (days_left(own, project), days_left(own, project + 1)) == ([0], [20, 0])


@pytest.fixture
def thirty_days(project: int, django_here: None, settings: Settings) -> None:
    """Commands are called where thirty days are kept."""
    settings.RETENTION_DAYS = 30


@pytest.mark.usefixtures("thirty_days")
def test_calls_are_counted_where_postgresql_has_no_estimate() -> None:
    told = tloi("retention")
    assert any(line.startswith(f"partition {partition_of(60)}: would be dropped, about 2 calls, ") for line in told)


@pytest.mark.usefixtures("thirty_days")
def test_after_all_has_gone_it_says_that_nothing_would(own: Ledger) -> None:
    own.execute("UPDATE telemetry_project SET retention_days = NULL")
    tloi("retention", "--apply")
    assert tloi("retention")[1:] == ["No calls would go."]


@pytest.mark.usefixtures("django_here")
def test_without_a_setting_nothing_goes_but_what_a_project_wants_gone(project: int, own: Ledger) -> None:
    assert tloi("retention")[0] == "TLOI_RETENTION_DAYS: all calls are kept; projects may keep less."
    tloi("retention", "--apply")
    assert (days_left(own, project), days_left(own, project + 1)) == ([0], [60, 20, 0])


def test_another_run_is_waited_for_by_nobody(project: int, own: Ledger, own_url: str) -> None:
    own.execute("SELECT pg_advisory_lock(7346002)")
    done = run_tloi(own_url, "retention", "--apply", **THIRTY)
    assert done.returncode == 1
    assert done.stderr.strip() == "CommandError: Another run is at work."


def test_the_hourly_task_drops_and_freezes(project: int, own: Ledger, own_url: str) -> None:
    task = "from telemetry.tasks import tidy_partitions; tidy_partitions()"
    done = run_tloi(own_url, "shell", "--no-imports", "--command", task, **THIRTY)
    assert done.returncode == 0, done.stderr
    assert partition_of(60) in done.stderr  # it says so in the log
    assert (days_left(own, project), days_left(own, project + 1)) == ([0], [20, 0])
    seen = "SELECT last_vacuum IS NOT NULL FROM pg_stat_all_tables WHERE relname = %s"
    until(lambda: own.execute(seen, [f"telemetry_call_{partition_of(20)}"]).fetchone() == (True,))


def test_a_command_that_was_killed_is_finished_by_the_next(project: int, own: Ledger, own_url: str) -> None:
    with reading(own_url, 60) as reader:
        command = start_tloi(own_url, "retention", "--apply", **THIRTY)
        until(lambda: dropping.pending_detach(own))
        command.kill()
        command.wait()
        own.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        reader.join(20)
    until(lambda: run_tloi(own_url, "retention", "--apply", **THIRTY).returncode == 0, 60)
    assert (days_left(own, project), days_left(own, project + 1)) == ([0], [20, 0])
    assert dropping.detached_partitions(own) == []


@pytest.mark.parametrize("value", ["1", "0", "-3", "a month", "99999"])
def test_a_number_of_days_that_cannot_be_stops_the_start(own_url: str, value: str) -> None:
    done = run_tloi(own_url, "retention", TLOI_RETENTION_DAYS=value)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"tloi: TLOI_RETENTION_DAYS is {value!r}, but must be a whole number from 2 to 36500."
    )


def retention_lines() -> list[str]:
    """What doctor says of retention."""
    return [line for line in tloi("doctor") if " retention " in line]


@pytest.mark.usefixtures("thirty_days")
def test_doctor_warns_of_calls_that_should_be_gone_and_of_droppings_half_done(own: Ledger) -> None:
    partitions.ensure_ahead(own, now=day(-1))
    kept, overdue = retention_lines()
    assert kept.startswith("ok    retention  calls are kept for 30 days")
    assert overdue.startswith(f"warn  retention  partitions that are older: 1, the oldest {partition_of(60)} -> ")
    dropping.detach_partition(own, partition_of(60))
    _, left = retention_lines()
    assert left.startswith(f"warn  retention  the dropping of {partition_of(60)} was begun and not finished")
    tloi("retention", "--apply")
    assert len(retention_lines()) == 1
