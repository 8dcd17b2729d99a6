"""Every believable day has its partition when it is needed, and no key can make thousands."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from telemetry import facade
from telemetry.contracts import Call
from telemetry.database import connection
from telemetry.ledger import partitions
from telemetry.models import Project

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DEFAULT_PARTITIONS = "SELECT count(*) FROM pg_partitioned_table WHERE partdefid <> 0"


@pytest.fixture(autouse=True)
def on_the_database(database: None) -> None:
    """Every test here needs it."""


def send(project: Project, *moments: datetime) -> int:
    calls = [Call(id=f"{moment}", started_at=moment, model="m") for moment in moments]
    return facade.record(project_id=project.pk, calls=calls, source="test", now=NOW).accepted


def test_two_weeks_are_made_ahead() -> None:
    partitions.ensure_ahead(connection(), now=NOW)
    assert partitions.horizon(connection(), now=NOW) >= date(2026, 12, 4)


def test_a_recent_day_gets_a_partition_of_its_own_and_an_old_one_its_month() -> None:
    partitions.ensure(connection(), [date(2026, 9, 5), date(2021, 3, 9), date(2021, 3, 30)], now=NOW)
    names = partitions.partition_names(connection())
    assert {"d20260905", "m202103"} <= names
    assert "d20210309" not in names


def test_an_old_month_that_has_daily_partitions_goes_on_by_day() -> None:
    partitions.ensure(connection(), [date(2022, 5, 7)], now=datetime(2022, 5, 8, tzinfo=UTC))
    partitions.ensure(connection(), [date(2022, 5, 9)], now=NOW)
    assert {"d20220507", "d20220509"} <= partitions.partition_names(connection())


def test_seven_years_of_days_make_no_more_than_a_few_hundred_partitions() -> None:
    days = [date(2020, 1, 1) + timedelta(days=n) for n in range((NOW.date() - date(2020, 1, 1)).days)]
    partitions.ensure(connection(), days, now=NOW)
    assert len(partitions.partition_names(connection())) < 300


def test_late_days_are_stored_and_their_partitions_made_on_demand(project: Project) -> None:
    assert send(project, *(NOW - timedelta(days=days) for days in (0, 1, 89, 91, 400, 2000))) == 6


def test_a_partition_that_was_dropped_behind_our_back_is_made_again(project: Project) -> None:
    moment = datetime(2023, 7, 9, tzinfo=UTC)
    assert send(project, moment) == 1
    connection().execute("DROP TABLE telemetry_call_m202307")
    assert send(project, moment + timedelta(hours=1)) == 1


def test_there_is_no_default_partition() -> None:
    row = connection().execute(DEFAULT_PARTITIONS).fetchone()
    assert row == (0,)


def test_without_a_partition_postgresql_refuses_a_row() -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        connection().execute(
            "INSERT INTO telemetry_call SELECT (r).* FROM (SELECT jsonb_populate_record(NULL::telemetry_call,"
            """ '{"started_at": "2035-01-01T00:00:00Z"}') AS r) AS one"""
        )
