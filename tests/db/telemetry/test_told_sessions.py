"""A process does not write again what it wrote of a session a moment ago, nor forget what was not written."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import transaction

from telemetry.contracts import Call
from telemetry.database import connection
from telemetry.ledger import told
from telemetry.ledger.ingest import ingest
from telemetry.models import Session
from tests.ledger_reading import NOW, new_tenant

pytestmark = pytest.mark.usefixtures("database")


def send(tenant: int, number: int, *, at: datetime = NOW, now: datetime = NOW, host: str = "") -> None:
    """One call of the session `s`."""
    call = Call(id=f"req-{number}", started_at=at, model="m", session_id="s", agent="a", host=host, output=1)
    ingest(connection(), project_id=tenant, calls=[call], source="api", now=now)


def rows(tenant: int) -> list[Session]:
    """The sessions of a project."""
    return list(Session.objects.filter(project_id=tenant))


def test_a_row_that_was_just_written_is_left_alone() -> None:
    tenant = new_tenant()
    send(tenant, 1)
    Session.objects.filter(project_id=tenant).delete()
    send(tenant, 2)
    assert rows(tenant) == []


def test_a_row_that_was_deleted_comes_back_after_a_while() -> None:
    tenant = new_tenant()
    send(tenant, 1)
    Session.objects.filter(project_id=tenant).delete()
    send(tenant, 2, now=NOW + told.KEPT + timedelta(seconds=1))
    assert len(rows(tenant)) == 1


def test_a_call_outside_of_what_was_written_is_written() -> None:
    tenant = new_tenant()
    send(tenant, 1)
    send(tenant, 2, at=NOW - timedelta(hours=2))
    send(tenant, 3, at=NOW + timedelta(minutes=4))
    (session,) = rows(tenant)
    assert (session.started_at, session.last_call_at) == (NOW - timedelta(hours=2), NOW + timedelta(minutes=4))


def test_a_label_that_was_not_written_is_written() -> None:
    tenant = new_tenant()
    send(tenant, 1)
    send(tenant, 2, host="laptop")
    send(tenant, 3)
    assert [session.host for session in rows(tenant)] == ["laptop"]


def test_what_is_rolled_back_was_not_written() -> None:
    tenant = new_tenant()
    with transaction.atomic():
        connection().execute("SELECT 1")  # the transaction begins, and is not the ledger's own
        send(tenant, 1)
        transaction.set_rollback(True)
    assert rows(tenant) == []
    send(tenant, 1)
    assert len(rows(tenant)) == 1


def test_sessions_of_the_same_name_in_two_projects_are_two() -> None:
    first, second = new_tenant(), new_tenant()
    send(first, 1)
    send(second, 1)
    assert len(rows(first)) == len(rows(second)) == 1
