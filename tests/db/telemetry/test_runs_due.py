"""When runs are added up, by whom, and that neither two at once nor a kill nor a bad project loses one."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

import psycopg
import pytest
from psycopg import Connection

from telemetry.access.projects import ensure_project
from telemetry.contracts import Call, Execution
from telemetry.database import connection
from telemetry.models import Project, RunMark, RunState
from telemetry.series import run_sums, runs
from tests.conftest import database_url
from tests.ledger_reading import NOW, at_once, new_tenant, send
from tests.rollup_reading import fold
from tests.run_reading import added_up, stored, unlike

pytestmark = pytest.mark.usefixtures("nothing_waits")
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
AT = NOW - HOUR


def a_run(name: str = "r", *, at: datetime = AT, calls: int = 1) -> tuple[list[Call], list[Execution]]:
    """An execution of so many calls of one token, a minute apart."""
    made = [
        Call(id=f"{name}-{n}", started_at=at + n * timedelta(minutes=1), model="m", output=1, execution_id=name)
        for n in range(calls)
    ]
    return made, [Execution(execution_id=name, started_at=at)]


def fill(tenant: int, name: str = "r", **how: Any) -> None:
    """Store and fold a run, so that it is marked."""
    calls, executions = a_run(name, **how)
    send(tenant, calls, executions=executions)
    fold(tenant)


def is_marked(tenant: int) -> bool:
    """Whether runs wait to be added up."""
    return RunMark.objects.filter(project_id=tenant).exists()


def let_steps_take(tenant: int, milliseconds: int) -> None:
    """As if the last steps had been so dear, now."""
    RunState.objects.filter(project_id=tenant).update(sum_ms=milliseconds, summed_at=NOW)


def statements_of(work: Any) -> int:
    """How many statements the server is asked for."""
    asked: list[object] = []

    class Counting(psycopg.ClientCursor[Any]):
        def execute(self, query: Any, *args: Any, **named: Any) -> Any:
            asked.append(query)
            return super().execute(query, *args, **named)

    with psycopg.connect(database_url(), autocommit=True, cursor_factory=Counting) as own:
        work(own)
    return len(asked)


def test_every_project_that_has_marks_is_added_up() -> None:
    projects = [ensure_project(slug=f"p{uuid.uuid4().hex[:12]}") for _ in range(3)]
    for project in projects:
        fill(project.pk)
    runs.sum_due(connection(), now=NOW)
    assert [is_marked(project.pk) for project in projects] == [False] * 3
    assert [unlike(project.pk, stored(project.pk)) for project in projects] == [{}] * 3


def test_where_nothing_is_marked_one_statement_says_so(project: Project) -> None:
    assert statements_of(lambda conn: runs.sum_due(conn, now=NOW)) == 1


def test_the_next_step_comes_when_ten_times_the_cost_of_the_last_has_passed(project: Project) -> None:
    fill(project.pk)
    runs.sum_due(connection(), now=NOW)
    let_steps_take(project.pk, 500)
    fill(project.pk, "late")
    runs.sum_due(connection(), now=NOW + 4 * SECOND)
    assert is_marked(project.pk)
    runs.sum_due(connection(), now=NOW + 5 * SECOND)
    assert not is_marked(project.pk)


def test_a_long_run_is_only_noted_while_its_own_turn_has_not_come(project: Project) -> None:
    """Short ones are there at once; the long one when ten times what long ones took has passed."""
    fill(project.pk, "long", at=AT - 30 * HOUR, calls=30 * 60)
    for _ in ("found to be long", "added up"):
        runs.sum_due(connection(), now=NOW)
    assert unlike(project.pk, stored(project.pk)) == {}
    RunState.objects.filter(project_id=project.pk, is_long=True).update(sum_ms=1_000, summed_at=NOW)
    RunState.objects.filter(project_id=project.pk, is_long=False).update(sum_ms=0)
    send(project.pk, [Call(id="one more", started_at=AT + HOUR / 2, model="m", output=1, execution_id="long")])
    fill(project.pk, "short")
    runs.sum_due(connection(), now=NOW + 5 * SECOND)
    assert unlike(project.pk, stored(project.pk)).keys() == {"long"}
    runs.sum_due(connection(), now=NOW + 9 * SECOND)
    assert unlike(project.pk, stored(project.pk)).keys() == {"long"}
    runs.sum_due(connection(), now=NOW + 10 * SECOND)
    assert unlike(project.pk, stored(project.pk)) == {}


def test_runs_that_are_long_and_weeks_apart_are_all_added_up() -> None:
    tenant = new_tenant()
    for weeks in range(4):
        ends = [
            Call(
                id=f"{weeks} {n}",
                started_at=AT - weeks * 168 * HOUR - n * 20 * HOUR,
                model="m",
                output=1,
                execution_id=f"r-{weeks}",
            )
            for n in range(2)
        ]
        send(tenant, ends)
    found = added_up(tenant)
    assert {key: row["calls"] for key, row in found.items()} == {f"r-{weeks}": 2 for weeks in range(4)}


def test_a_project_that_cannot_be_added_up_keeps_none_of_the_others(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    others = [ensure_project(slug=f"p{uuid.uuid4().hex[:12]}") for _ in range(2)]
    for each in (project, *others):
        fill(each.pk)
    real = run_sums.write_runs

    def break_down(conn: Connection[Any], *, project_id: int, reach: run_sums.Reach) -> list[str]:
        if project_id == project.pk:
            conn.execute("SELECT 1 / 0")
        return real(conn, project_id=project_id, reach=reach)

    monkeypatch.setattr(run_sums, "write_runs", break_down)
    with caplog.at_level(logging.ERROR):
        runs.sum_due(connection(), now=NOW)
    assert f"The runs of project {project.pk} could not be added up." in caplog.text
    assert [is_marked(each.pk) for each in (project, *others)] == [True, False, False]
    monkeypatch.undo()
    runs.sum_due(connection(), now=NOW + 60 * SECOND)  # else its error would fill the log every two seconds
    assert is_marked(project.pk)
    runs.sum_due(connection(), now=NOW + 110 * SECOND)
    assert not is_marked(project.pk)
    assert unlike(project.pk, stored(project.pk)) == {}


def test_what_follows_is_told_what_changed_and_shares_the_transaction(project: Project) -> None:
    told: list[list[str]] = []

    def fail(conn: Connection[Any], project_id: int, keys: Sequence[str]) -> None:
        told.append(list(keys))
        raise KeyError("a bug in what follows")

    def remember(conn: Connection[Any], project_id: int, keys: Sequence[str]) -> None:
        told.append(list(keys))

    fill(project.pk, "one")
    assert not runs.catch_up(connection(), project_id=project.pk, now=NOW, patience_s=60, then=fail)
    assert stored(project.pk) == {}
    assert is_marked(project.pk)
    assert runs.catch_up(connection(), project_id=project.pk, now=NOW, patience_s=60, then=remember)
    fill(project.pk, "two")
    assert runs.catch_up(connection(), project_id=project.pk, now=NOW, patience_s=60, then=remember)
    assert told == [["one"], ["one"], ["two"]]


def test_an_execution_that_is_gone_loses_its_row_and_what_follows_is_told() -> None:
    tenant, told = new_tenant(), list[str]()
    fill(tenant)
    assert added_up(tenant).keys() == {"r"}
    connection().execute("DELETE FROM telemetry_execution WHERE project_id = %s", [tenant])
    runs.mark(connection(), project_id=tenant, minutes=[AT])
    assert added_up(tenant, then=lambda conn, project_id, keys: told.extend(keys)) == {}
    assert told == ["r"]


def test_a_step_that_is_killed_in_the_middle_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection is gone after the marks were taken and rows were written."""
    tenant = new_tenant()
    fill(tenant)

    def die(conn: Connection[Any], project_id: int, keys: Sequence[str]) -> None:
        conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with psycopg.connect(database_url(), autocommit=True) as own, pytest.raises(psycopg.OperationalError):
        runs.catch_up(own, project_id=tenant, now=NOW, patience_s=5, then=die)
    assert stored(tenant) == {}
    assert unlike(tenant, added_up(tenant)) == {}


def test_who_adds_up_without_patience_leaves_the_project_to_whoever_does(project: Project) -> None:
    fill(project.pk)
    with psycopg.connect(database_url()) as other:
        runs.lock(other, project_id=project.pk)
        runs.sum_due(connection(), now=NOW)
        assert is_marked(project.pk)
        assert not runs.catch_up(connection(), project_id=project.pk, now=NOW, patience_s=0.1)
    assert runs.catch_up(connection(), project_id=project.pk, now=NOW, patience_s=60)
    assert not is_marked(project.pk)


def test_without_patience_it_is_only_said_whether_all_is_added_up() -> None:
    tenant = new_tenant()
    fill(tenant)
    assert not runs.catch_up(connection(), project_id=tenant, now=NOW, patience_s=0)
    assert stored(tenant) == {}
    assert unlike(tenant, added_up(tenant)) == {}
    assert runs.catch_up(connection(), project_id=tenant, now=NOW, patience_s=0)


def test_many_at_once_while_calls_come_in_add_up_each_call_once() -> None:
    tenant = new_tenant()

    def write(number: int) -> None:
        for place in range(6):
            calls, executions = a_run(f"r-{place}", at=AT + place * timedelta(minutes=7), calls=5)
            send(tenant, [call for call in calls if crc32(f"{call.id} {number}".encode()) % 2], executions=executions)

    def add_up() -> None:
        for _ in range(6):
            added_up(tenant)

    at_once(*(lambda number=number: write(number) for number in range(3)), add_up, add_up)
    assert unlike(tenant, added_up(tenant)) == {}


def test_a_row_that_would_be_the_same_is_left_alone() -> None:
    tenant = new_tenant()
    fill(tenant)
    before = added_up(tenant)
    place = connection().execute("SELECT ctid FROM telemetry_rollup_run WHERE project_id = %s", [tenant]).fetchone()
    runs.mark(connection(), project_id=tenant, minutes=[AT])
    assert added_up(tenant) == before
    again = connection().execute("SELECT ctid FROM telemetry_rollup_run WHERE project_id = %s", [tenant]).fetchone()
    assert again == place
