"""What tests of the night share: a site, projects with days of work in it, and what became of their reports."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import psycopg
from psycopg import Connection

from telemetry.contracts import Call, Execution
from tests.expiring import new_project, send
from tests.faults.load import database_of
from tests.faults.site import Site, within
from tests.own_database import connect

BACK_S = 60.0  # the promise: every report is there, so long after whatever was wrong
SOON_S = 60.0  # a wake-up, and the work
RUNS = 400  # a day
Days = Mapping[tuple[str, date], Any]
Database = Connection[Any]


@contextmanager
def database(site: Site) -> Iterator[Database]:
    """A connection to the site's database."""
    with connect(database_of(site)) as connection:
        yield connection


def days_back(number: int) -> list[date]:
    """The last so many days that are over in UTC, oldest first. In a day's first hour yesterday is not due."""
    today = datetime.now(UTC).date()
    return [today - timedelta(days=back) for back in range(number, 0, -1)]


def worked(conn: Database, *, days: int = 3, runs: int = RUNS) -> int:
    """A project that has worked for the last so many days, the same as every other: its number. What it did comes in
    one transaction, so that no report can see a part of it."""
    project = new_project(conn, f"n{secrets.token_hex(6)}")
    calls, executions = [], []
    for day in days_back(days):
        for number in range(runs):
            at = datetime.combine(day, time(9), tzinfo=UTC) + timedelta(seconds=number)
            name = f"{day}-{number}"
            tokens = 1_000 + 37 * number
            calls.append(
                Call(id=name, started_at=at, model="house-llama", execution_id=name, input_uncached=tokens, output=50)
            )
            executions.append(
                Execution(execution_id=name, started_at=at, task_id=f"task-{number % 97}", agent="a", status="done")
            )
    send(conn, project, calls, executions=executions, now=datetime.now(UTC))
    return project


def jobs(conn: Database, project: int) -> dict[tuple[str, str], tuple[str, int, str]]:
    """State, attempts and error of each job of a report, by its kind and period. Other apps have nightly jobs too."""
    query = "SELECT kind, period, state, attempts, error FROM telemetry_job WHERE project_id = %s AND kind LIKE %s"
    found = conn.execute(query, [project, "%-report"])
    return {(kind, period): (state, *rest) for kind, period, state, *rest in found}


def is_reported(conn: Database, project: int, *, days: int = 3) -> bool:
    """Whether every report that is due of a project that worked so many days is there, and its job is done."""
    found = jobs(conn, project)
    daily = {("daily-report", day.isoformat()) for day in days_back(days)}
    return found.keys() >= daily and all(state == "done" for state, *_ in found.values())


def reports(conn: Database, project: int) -> dict[tuple[str, date], Any]:
    """Every report of a project, without the moment at which it was made and whose it is; by kind and first day."""
    query = "SELECT kind, first_day, document FROM telemetry_report WHERE project_id = %s"
    return {
        (kind, first): {name: value for name, value in document.items() if name not in ("made_at", "project")}
        for kind, first, document in conn.execute(query, [project])
    }


def assert_complete(conn: Database, project: int, like: Days) -> None:
    """Each job of a report has that report once, and all say what those of a project say that nothing disturbed."""
    kinds = {"daily-report": "daily", "weekly-report": "weekly", "monthly-report": "monthly"}
    query = "SELECT kind, first_day FROM telemetry_job WHERE project_id = %s AND state = 'done' AND kind = ANY(%s)"
    done = [(kinds[kind], first) for kind, first in conn.execute(query, [project, list(kinds)])]
    found = reports(conn, project)
    assert sorted(done) == sorted(found)
    assert found == like
    for (kind, first), document in found.items():
        if kind == "daily":
            assert document["summary"]["tasks"] == RUNS, first


def undisturbed(site: Site) -> Days:
    """What the reports of a project say, as `worked` makes it, that nothing disturbed."""
    with database(site) as conn:
        project = worked(conn)
        assert within(SOON_S, lambda: is_reported(conn, project)) is not None, jobs(conn, project)
        assert {attempts for _, attempts, _ in jobs(conn, project).values()} == {1}
        return reports(conn, project)


def order_of(conn: Database, project: int) -> list[tuple[date, date]]:
    """(last day, first day) of a project's reports in the order in which they ended."""
    query = "SELECT last_day, first_day FROM telemetry_job WHERE project_id = %s AND kind LIKE %s ORDER BY finished_at"
    return list(conn.execute(query, [project, "%-report"]).fetchall())


def reaches(site: Site) -> bool:
    """Whether the site's PostgreSQL answers."""
    try:
        with database(site):
            return True
    except psycopg.OperationalError:
        return False
