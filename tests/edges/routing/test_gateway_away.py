"""The database goes away while agents work, and comes back: who is answered meanwhile, who is refused and how, and that
nothing of it is lost."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection, connections
from psycopg import sql

from routing.gateway import outage
from routing.gateway.resources import Resources
from routing.originals import keeping
from telemetry import facade
from telemetry.access.projects import ensure_project
from tests.budgeting import settled
from tests.compressing import Agent, is_prefix, refs_in, rule
from tests.gateways import ledger, serving
from tests.ladders import ladder
from tests.misbehaving import Manner, Misbehaving, provider
from tests.outages import MESSAGES, agent_of, answered_again, grant, refused, say

POOL_S = 0.5  # that a piece of work waits for a connection: the usual five seconds are too long for every run


@dataclass
class Place:
    """A gateway on a database that can be closed."""

    address: str
    resources: Resources
    asked: Misbehaving
    database: str

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Inside, PostgreSQL lets nobody into the database, and who was in it is thrown out."""
        name = urlsplit(self.database).path.lstrip("/")
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
            server.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            try:
                yield
            finally:
                server.execute(allow.format(sql.Identifier(name), sql.SQL("true")))
                connections.close_all()
        while outage._watched:
            time.sleep(0.02)
        connection.pool.timeout = 10.0  # type: ignore[attr-defined]  # from which this thread has its connections too


@pytest.fixture
def place(django_here: None, own_url: str, tmp_path: Path) -> Iterator[Place]:
    with provider() as one, ladder(one.openai), serving(tmp_path, one.place) as (address, resources):
        connection.pool.timeout = POOL_S  # type: ignore[attr-defined]
        yield Place(address, resources, one, own_url)


def test_budgets_refuse_in_their_own_words_while_the_database_is_away_and_all_is_settled_once_it_is_back(
    place: Place,
) -> None:
    (strict, enforced), (_, free) = agent_of("strict", place.address), agent_of("free", place.address)
    grant(strict)
    unused = facade.create_key(project_slug="free", name="unused", scopes=["gateway"])
    say(enforced)
    say(free)
    place.asked.then(Manner(gap_s=0.02))
    stream = enforced.chat.completions.create(model="auto", messages=MESSAGES, stream=True)
    next(iter(stream))
    with place.closed():
        assert len([chunk for chunk in stream if chunk.choices]) >= 59
        say(free)
        assert say(free) < POOL_S
        assert refused(enforced) == (503, "budgets_away", "5")
        assert refused(free.with_options(api_key=unused)) == (503, "keys_away", "5")
    answered_again(enforced)
    calls = ledger(strict, 3)
    (window,) = settled(strict, 3)
    assert (window.used, window.reserved) == (sum(call.input_uncached + call.output for call in calls), 0)
    ledger(ensure_project(slug="free"), 3)


def test_a_prompt_stays_as_short_while_the_database_is_away_and_no_new_one_lacks_what_is_kept_nowhere(
    place: Place,
) -> None:
    project, client = agent_of("short", place.address)
    known, new = (Agent(place.address, client.api_key, session=name) for name in ("known", "new"))
    with rule(place.resources, project=project.slug):
        known.reads(1, 2_000)
        known.ask()
        with place.closed():
            for agent in (known, new):
                agent.says("And now?")
                agent.reads(2, 2_000)
                agent.ask()
        for agent in (known, new):
            agent.says("Go on.")
            agent.ask()
    first, away, unknown, *_ = place.asked.calls
    assert (len(refs_in(first)), len(refs_in(away)), len(refs_in(unknown))) == (1, 1, 0)
    assert is_prefix(place.asked, 0, 1)
    for call in place.asked.calls:
        assert all(keeping.finding(project.pk)(ref) is not None for ref in refs_in(call))
    ledger(project, 5)


@pytest.mark.slow
def test_without_it_every_question_waits_for_itself(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    monkeypatch.setattr(outage, "suspect", lambda seconds: None)
    _, free = agent_of("free", place.address)
    say(free)
    time.sleep(1.0)  # for which a key is believed
    with place.closed():
        say(free)
        time.sleep(1.0)
        assert say(free) >= POOL_S
