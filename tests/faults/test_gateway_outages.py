"""PostgreSQL and both Valkeys are really away while agents work through a gateway: they are answered or refused in
words that a program reads, and nothing that was spent or left out is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from pytest_django import DjangoDbBlocker

from routing.gateway.rosters import FRESH_S
from routing.originals import keeping
from telemetry import facade
from telemetry.models import Budget
from tests.budgeting import settled
from tests.compressing import Agent, refs_in, rule
from tests.gateways import Running, ledger, process
from tests.ladders import ladder
from tests.misbehaving import Manner, Misbehaving, provider
from tests.outages import MESSAGES, Servers, agent_of, answered_again, grant, own_servers, refused, say

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
FOUND_OUT_S = 8.0  # five in the pool, and a busy machine
BRIEFLY_S = 4.0  # less than the pool's five seconds, on a busy machine too
BACK_S = 10.0
KEPT = {"x-tloi-cache": "on"}
ENDED = {"stopped": Servers.stop, "killed": Servers.kill}


@pytest.fixture(scope="module")
def servers(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Servers]:
    with django_db_blocker.unblock(), own_servers() as made:
        yield made


@pytest.fixture
def asked() -> Iterator[Misbehaving]:
    with provider() as one:
        yield one


@pytest.fixture
def gateway(servers: Servers, asked: Misbehaving, tmp_path: Path) -> Iterator[Running]:
    here: dict[str, Any] = servers.addresses
    with ladder(asked.openai, context_window=200_000), process(tmp_path, [asked.place], **here) as running:
        yield running


@pytest.mark.parametrize("how", ENDED)
def test_postgres_is_away_for_a_while(
    how: str, servers: Servers, gateway: Running, asked: Misbehaving, capfd: pytest.CaptureFixture[str]
) -> None:
    (strict, enforced), (open_, free) = (agent_of(f"{name}-{how}", gateway.address) for name in ("strict", "open"))
    unused = facade.create_key(project_slug=open_.slug, name="unused", scopes=["gateway"])
    grant(strict)
    say(enforced)
    say(free)
    asked.then(Manner(gap_s=0.1))
    stream = enforced.chat.completions.create(model="auto", messages=MESSAGES, stream=True)
    next(iter(stream))
    ENDED[how](servers, "postgres")
    assert len([chunk for chunk in stream if chunk.choices]) >= 59
    assert say(free) < FOUND_OUT_S
    took = [say(free) for _ in range(20)]
    assert max(took) < BRIEFLY_S
    assert {refused(enforced) for _ in range(5)} == {(503, "budgets_away", "5")}
    assert refused(free.with_options(api_key=unused)) == (503, "keys_away", "5")
    servers.start("postgres")
    back_s = answered_again(enforced)
    calls = ledger(strict, 3)
    (window,) = settled(strict, 3)
    assert (window.used, window.reserved) == (sum(call.input_uncached + call.output for call in calls), 0)
    ledger(open_, 22)
    assert back_s < BACK_S
    assert "Traceback" not in capfd.readouterr().err


def test_postgres_takes_questions_and_says_nothing(
    servers: Servers, gateway: Running, asked: Misbehaving, capfd: pytest.CaptureFixture[str]
) -> None:
    """What was asked of it hangs as long as it does, and nothing else."""
    (strict, enforced), (_, free) = (agent_of(f"{name}-frozen", gateway.address) for name in ("strict", "open"))
    grant(strict)
    say(enforced)
    say(free)
    servers.freeze("postgres")
    for _ in range(2):
        with pytest.raises(openai.APITimeoutError):
            say(enforced.with_options(timeout=0.5))
    say(free)
    assert max(say(free) for _ in range(20)) < BRIEFLY_S
    assert refused(enforced) == (503, "budgets_away", "5")
    servers.thaw("postgres")
    assert answered_again(enforced) < BACK_S
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("how", ENDED)
def test_a_prompt_stays_short_while_postgres_is_away_and_what_it_lacks_is_there_when_it_is_back(
    how: str, servers: Servers, gateway: Running, asked: Misbehaving, capfd: pytest.CaptureFixture[str]
) -> None:
    project, client = agent_of(f"short-{how}", gateway.address)
    known, new = (Agent(gateway.address, client.api_key, session=name) for name in ("known", "new"))
    grant(project, 10_000_000)
    Budget.objects.filter(project=project).update(mode="warn")
    with rule(project=project.slug):
        time.sleep(FRESH_S)
        known.reads(1, 2_000)
        known.ask()
        ENDED[how](servers, "postgres")
        for step in range(2, 5):
            for agent in (known, new):
                agent.reads(step, 2_000)
                agent.ask()
        servers.start("postgres")
        answered_again(client)
        for agent in (known, new):
            agent.says("Go on.")
            agent.ask()
    sessions = [[asked.calls[0], *asked.calls[1:7:2]], asked.calls[2:7:2]]
    assert [[len(refs_in(call)) for call in session] for session in sessions] == [[1, 1, 1, 1], [0, 0, 0]]
    find = keeping.finding(project.pk)
    assert all(find(ref) is not None for call in asked.calls for ref in refs_in(call))
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("how", [*ENDED, "frozen"])
def test_both_valkeys_are_away_and_budgets_and_short_prompts_do_not_notice(
    how: str, servers: Servers, gateway: Running, asked: Misbehaving, capfd: pytest.CaptureFixture[str]
) -> None:
    project, client = agent_of(f"without-valkey-{how}", gateway.address)
    grant(project)
    say(client, **KEPT)
    say(client, **KEPT)
    assert len(asked.calls) == 1
    end = ENDED.get(how, Servers.freeze)
    for name in ("cache", "broker"):
        end(servers, name)
    took = [say(client, **KEPT) for _ in range(5)]
    assert max(took) < BRIEFLY_S
    agent = Agent(gateway.address, client.api_key, session="s")
    with rule(project=project.slug):
        time.sleep(FRESH_S)
        agent.reads(1, 2_000)
        agent.ask()
    (ref,) = refs_in(asked.calls[-1])
    assert keeping.finding(project.pk)(ref) is not None
    for name in ("cache", "broker"):
        (Servers.thaw if how == "frozen" else Servers.start)(servers, name)
    spent = sum(call.input_uncached + call.output for call in ledger(project, 7))
    assert sum(window.used for window in settled(project, 7)) == spent
    time.sleep(6.0)  # one that was away is tried again after five seconds
    before = len(asked.calls)
    say(client, **KEPT)
    say(client, **KEPT)
    assert len(asked.calls) <= before + 1
    assert "Traceback" not in capfd.readouterr().err
