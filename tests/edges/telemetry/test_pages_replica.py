"""Pages and the usage API read from a replica that is set; logins, folding and all that is written never do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry.models import Project
from tests import replicas
from tests.api_calls import ask, call, own_server, send, usage
from tests.conftest import ROOT, database_url
from tests.page_reading import PageReader, visitor
from tests.replicas import Replica

PAGE = "/?from=2025-10-20&to=2025-10-30&tz=UTC"
WRITES = re.compile(
    r"(statement|execute \S+): +(--[^\n]*\n)*\s*(INSERT|UPDATE|DELETE|COPY|CREATE|ALTER)", re.IGNORECASE
)
PERSONAL = re.compile(r"\b(django_session|auth_user|telemetry_(apikey|loginlink|membership))\b")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("static_files")]


@pytest.fixture
def follower() -> Iterator[Replica]:
    with replicas.running() as here:
        yield here


def input_shown(web: str, project: Project, page: str = PAGE) -> int:
    """The input tokens of the Overview page, as a person sees it."""
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in visitor(project).cookies.items())
    answer = ask(web, "GET", page, headers={"Cookie": cookies})
    assert answer.status == 200, answer.content
    return int(PageReader(answer.content.decode()).cards["input"])


def doctor(**environment: str) -> str:
    """The line of `tloi doctor` about the replica."""
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return next((line for line in done.stdout.splitlines() if " replica " in line), "")


def test_pages_and_api_read_from_the_replica_and_go_on_when_it_is_away(
    project: Project, key: str, follower: Replica, tmp_path: Path
) -> None:
    log = tmp_path / "web.log"
    address = follower.address(database_url())
    with own_server(log, DATABASE_REPLICA_URL=address) as server:
        for number in range(1, 21):
            assert send(server.address, key, [call(f"c{number}")])["accepted"] == 1
            assert usage(server.address, key)["total"]["calls"] == number
        assert input_shown(server.address, project) == 20
        asked = "\n".join(follower.statements())
        assert "-- The sums of a window" in asked
        assert "telemetry_rollup_" in asked
        assert WRITES.findall(asked) == []
        assert PERSONAL.findall(asked) == []
        assert "ok    replica" in doctor(DATABASE_REPLICA_URL=address)
        follower.kill()
        send(server.address, key, [call("c21")])
        assert usage(server.address, key)["total"]["calls"] == 21
        assert input_shown(server.address, project) == 21
        assert "pages are read from the primary, for the replica cannot be used" in log.read_text()
        assert "warn  replica    not used" in doctor(DATABASE_REPLICA_URL=address)


def test_a_page_may_be_older_than_what_was_just_sent_and_the_api_may_not(
    project: Project, key: str, follower: Replica, tmp_path: Path
) -> None:
    with own_server(tmp_path / "web.log", DATABASE_REPLICA_URL=follower.address(database_url())) as server:
        send(server.address, key, [call("c1")])
        assert usage(server.address, key)["total"]["calls"] == 1
        end = time.monotonic() + 10
        while input_shown(server.address, project) != 1:
            assert time.monotonic() < end
        with follower.paused():
            send(server.address, key, [call("c2")])
            assert usage(server.address, key)["total"]["calls"] == 2
            assert input_shown(server.address, project) == 1
        assert usage(server.address, key)["total"]["calls"] == 2


def test_the_pattern_finds_what_must_not_be_asked_of_a_replica() -> None:
    assert WRITES.search("LOG:  statement: INSERT INTO telemetry_call VALUES (1)")
    assert WRITES.search("LOG:  execute _pg3_0: -- Take marks.\nDELETE FROM telemetry_dirty")
    assert not WRITES.search("LOG:  execute <unnamed>: SELECT 1")
    assert PERSONAL.search('FROM "django_session" WHERE')
