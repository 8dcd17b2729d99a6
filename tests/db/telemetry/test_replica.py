"""A replica answers while it is near; where it is away, far behind or another's, the primary does."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import psycopg
import pytest
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper

from telemetry import replica
from telemetry.access.projects import ensure_project
from telemetry.database import PRIMARY, connection
from telemetry.replica import REPLICA
from tests import replicas
from tests.replicas import Replica

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[Replica]:
    """One replica for all tests here."""
    with replicas.running() as here:
        yield here


@pytest.fixture
def follower(server: Replica, database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replica]:
    """The replica as DATABASE_REPLICA_URL would name it, and nothing known of it yet."""
    monkeypatch.setattr(replica, "_seen", replica._Seen())
    with named(PORT=str(server.port)):
        yield server


@contextmanager
def named(**changes: str) -> Iterator[None]:
    """Inside, the settings name a database as the replica: that of the tests, with changes."""
    default: dict[str, Any] = connections.settings[PRIMARY]
    options = {**default["OPTIONS"], "pool": {"min_size": 1, "max_size": 2, "timeout": 1}}
    connections.settings[REPLICA] = {**default, "OPTIONS": options, **changes}
    try:
        yield
    finally:
        connections[REPLICA].close()
        cast(DatabaseWrapper, connections[REPLICA]).close_pool()
        del connections[REPLICA]
        del connections.settings[REPLICA]


def write() -> None:
    """Commit something on the primary."""
    ensure_project(slug=f"p{uuid.uuid4().hex[:12]}")


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether something holds in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def nearest_in_a_new_request() -> str:
    """What is chosen where connections that broke were closed, as they are when a request ends."""
    connections[REPLICA].close()
    return replica.nearest()


def test_a_replica_that_follows_answers_and_holds_what_was_just_committed(follower: Replica) -> None:
    answers = []
    for _ in range(20):
        write()
        alias = replica.nearest(exact=True)
        answers.append(alias)
        there = connection(alias).execute("SELECT count(*) FROM telemetry_project").fetchone()
        assert there == connection().execute("SELECT count(*) FROM telemetry_project").fetchone()
    assert answers.count(REPLICA) > 10


def test_nothing_is_written_there(follower: Replica) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection(REPLICA).execute("UPDATE telemetry_project SET name = ''")


def test_one_that_stops_following_is_near_for_a_while_and_then_far(
    follower: Replica, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(replica, "FAR_S", 2.0)
    assert within(5, lambda: replica.nearest(exact=True) == REPLICA)
    with follower.paused():
        assert replica.nearest(exact=True) == REPLICA  # nothing was committed since
        write()
        assert replica.nearest() == REPLICA
        assert replica.nearest(exact=True) == PRIMARY
        assert caplog.text == ""
        assert within(10, lambda: replica.nearest() == PRIMARY)
        assert "the replica cannot be used: it is too far behind" in caplog.text
    assert within(10, lambda: replica.nearest(exact=True) == REPLICA)
    assert "from the replica again" in caplog.text


def test_one_of_which_this_process_knows_nothing_is_not_believed_to_be_near(follower: Replica) -> None:
    with follower.paused():
        write()
        assert replica.nearest() == PRIMARY


def test_one_that_is_away_is_asked_again_after_a_while(
    follower: Replica, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(replica, "AWAY_S", 0.5)
    assert within(5, lambda: replica.nearest() == REPLICA)
    follower.kill()
    assert replica.nearest() == PRIMARY
    began = time.monotonic()
    assert replica.nearest() == PRIMARY
    assert time.monotonic() - began < 0.2
    assert caplog.text.count("the replica cannot be used") == 1
    follower.start()
    assert within(20, lambda: nearest_in_a_new_request() == REPLICA)
    assert caplog.text.count("from the replica again") == 1


def test_another_servers_replica_is_not_read(follower: Replica, caplog: pytest.LogCaptureFixture) -> None:
    _, end = replica.primary_position(connection())
    with pytest.raises(replica.NoReplica, match="of another server"):
        replica.behind_s(system=1, end=end)


def test_a_primary_is_no_replica(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica, "_seen", replica._Seen())
    with named():
        assert replica.nearest() == PRIMARY
        assert replica.trouble() == "it follows nobody: it is no replica, or has become a primary itself"


def test_without_one_the_primary_answers(database: None) -> None:
    assert replica.nearest() == PRIMARY
    assert replica.trouble() is None
