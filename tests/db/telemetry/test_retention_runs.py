"""Runs and anomalies go with their executions; a run whose calls may be gone is never added up anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg import Connection
from pytest_django import Settings

from telemetry.contracts import Execution
from telemetry.ledger import dirty, retention
from telemetry.series import expiry, runs, waste_sums
from tests.expiring import DAYS, NOW, call, count, day, folded, new_project, send
from tests.waste_reading import kept

Ledger = Connection[Any]
BACK = (45, 35, 32, 3, 0)


@pytest.fixture
def project(own: Ledger, settings: Settings) -> int:
    """A project with a run of three calls and an anomaly on each of some days, thirty of which are kept."""
    settings.RETENTION_DAYS = None
    retention.forget()
    project = new_project(own)
    for back in BACK:
        calls = [call(day(back, 40 * n), f"{back}.{n}", execution_id=f"e{back}") for n in range(3)]
        send(own, project, calls, executions=[Execution(execution_id=f"e{back}", started_at=day(back))])
        own.execute(
            "INSERT INTO telemetry_anomaly (project_id, execution_id, detector, severity, started_at, tokens,"
            " tokens_wasted, evidence, found_at) VALUES (%s, %s, 'context_bloat', 'high', %s, 1, 1, '{}', now())",
            [project, f"e{back}", day(back)],
        )
    waste_sums.remake(own, project_id=project, moments=[day(back) for back in BACK])
    add_up(own, project)
    settings.RETENTION_DAYS = DAYS
    return project


def add_up(conn: Ledger, project: int) -> None:
    """All that is marked, folded and added up."""
    folded(conn)
    assert runs.catch_up(conn, project_id=project, now=NOW, patience_s=60)


def calls_of(conn: Ledger, project: int) -> dict[str, int]:
    """How many calls each run has."""
    query = "SELECT execution_id, calls FROM telemetry_rollup_run WHERE project_id = %s"
    return dict(conn.execute(query, [project]).fetchall())


def test_runs_and_anomalies_of_expired_executions_go_and_the_others_stay(project: int, own: Ledger) -> None:
    assert calls_of(own, project) == {f"e{back}": 3 for back in BACK}
    expiry.expire(own, now=NOW)
    assert calls_of(own, project) == {"e3": 3, "e0": 3}
    assert count(own, "telemetry_anomaly", project) == 2


def test_the_waste_of_expired_executions_goes_with_their_anomalies(project: int, own: Ledger) -> None:
    assert {len(rows) for rows in kept(own, project).values()} == {2 * len(BACK)}
    expiry.expire(own, now=NOW)
    for rows in kept(own, project).values():
        assert {bucket.date() for bucket, *_ in rows} == {day(3).date(), day(0).date()}


def test_executions_stay_while_their_project_is_judged_for_long(project: int, own: Ledger) -> None:
    """Else whoever judges would make sums of anomalies that are gone when his transaction ends."""
    with Connection.connect(own.info.dsn, password=own.info.password) as other:
        dirty.lock_judging(other, project_id=project)
        own.execute("SET lock_timeout = '200ms'")
        assert expiry.expire(own, now=NOW).waiting == ["p"]
        assert count(own, "telemetry_anomaly", project) == len(BACK)
    assert expiry.expire(own, now=NOW).waiting == []
    assert count(own, "telemetry_anomaly", project) == 2


def lose_calls(conn: Ledger, project: int, execution: str) -> None:
    """As if the calls of a run had expired, and its minutes were marked all the same."""
    conn.execute("DELETE FROM telemetry_call WHERE project_id = %s AND execution_id = %s", [project, execution])
    runs.mark(conn, project_id=project, minutes=[day(3).replace(second=0, microsecond=0)])


def test_a_run_whose_calls_may_be_gone_keeps_its_sums(project: int, own: Ledger) -> None:
    own.execute("UPDATE telemetry_project SET calls_kept_from_at = %s", [day(3) + timedelta(seconds=60)])
    lose_calls(own, project, "e3")
    add_up(own, project)
    assert calls_of(own, project)["e3"] == 3


def test_control_without_the_note_it_would_lose_them(project: int, own: Ledger) -> None:
    lose_calls(own, project, "e3")
    add_up(own, project)
    assert calls_of(own, project)["e3"] == 0


def test_expiry_waits_for_whoever_adds_runs_up(project: int, own: Ledger) -> None:
    """Else a run would be written of calls that are gone when its transaction ends."""
    noted = "SELECT calls_kept_from_at FROM telemetry_project WHERE id = %s"
    with Connection.connect(own.info.dsn, password=own.info.password) as other:
        runs.lock(other, project_id=project)
        own.execute("SET lock_timeout = '200ms'")
        assert expiry.expire(own, now=NOW).waiting == ["p"]
        assert own.execute(noted, [project]).fetchone() == (None,)
    assert expiry.expire(own, now=NOW).waiting == []
    assert own.execute(noted, [project]).fetchone() != (None,)
