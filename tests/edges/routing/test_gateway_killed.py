"""Gateways that are killed: calls that were over are in the ledger as the provider counts them, and those under way for
what was heard of them, which is never less than what their client got, and never more than the provider counts."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import random
import shutil
import signal
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from routing.contracts import Attempt, Usage
from routing.gateway.afterwards import amended
from routing.gateway.heard import HEARD, NOTHING
from routing.gateway.journal import Entry, orphans
from routing.gateway.resources import Resources
from routing.providers.addresses import configured
from routing.providers.http import Upstream
from telemetry.models import Call, Project
from telemetry.usage import quality_names
from tests.gateways import (
    INPUT_NANOUSD,
    OUTPUT_NANOUSD,
    PATIENCE_S,
    Running,
    counted,
    is_quiet,
    paid,
    process,
    serving,
)
from tests.misbehaving import Manner, Misbehaving, provider

SLOW = Manner(gap_s=0.01)  # 60 tokens in 0.6 s
STOPS = Manner(gap_s=0.005, silent_after=25)  # 25 tokens, and then nothing
MOST_OUTPUT = 100  # what a call is reserved with
WORDS = 60  # of a whole answer
ESTIMATED = 30  # tokens, by which a prompt may be estimated wrongly that no provider has counted yet


class Client(threading.Thread):
    """One call, and what came of it until it was over or broke off."""

    def __init__(self, address: str, key: str, model: str, *, is_streamed: bool = True) -> None:
        super().__init__()
        self.name = f"call-{uuid.uuid4().hex[:8]}"
        self._address, self._key, self._model, self._is_streamed = address, key, model, is_streamed
        self._got = bytearray()

    @property
    def words(self) -> int:
        """How many tokens of a stream came."""
        return self._got.count(b"word")

    def run(self) -> None:
        parts = urlsplit(self._address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        said = [{"role": "user", "content": self.name}]
        body = {"model": self._model, "messages": said, "stream": self._is_streamed, "max_tokens": MOST_OUTPUT}
        headers = {"Authorization": f"Bearer {self._key}", "x-tloi-session": self.name}
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            answer = connection.getresponse()
            while piece := answer.read1():
                self._got += piece
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()


@pytest.fixture
def first() -> Iterator[Misbehaving]:
    """A provider that is paid, and asked in two protocols: tier 1 is OpenAI's, tier 2 Anthropic's."""
    with provider() as one, paid(one.openai, one.anthropic):
        one.models = ["model-1", "model-2"]  # a tier whose provider does not list its model is asked nothing
        yield one


async def amended_of(entries: Sequence[Entry], resources: Resources) -> list[Entry]:
    """The attempts as their provider tells of them, asked by a loop of our own."""
    upstream = Upstream(configured())
    try:
        tiers = {tier.id: tier for tier in (await resources.rosters.current()).tiers}
        return await amended(entries, upstream, tiers)
    finally:
        await upstream.close()


def charged(folder: Path, copy: Path, *, is_deaf: bool = False) -> dict[str, Attempt]:
    """What would be charged if the gateway were killed now, by session: its journal is copied. `is_deaf`: as if
    nothing had been noted of what was heard."""
    shutil.copytree(folder, copy)
    found: dict[str, Attempt] = {}
    for path in copy.iterdir():
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(NOTHING if is_deaf and line[:1] == HEARD else line for line in lines))
    for orphan in orphans(copy):
        found |= {entry.caller.session: entry.attempt for entry in orphan.entries}
        orphan.leave()
    return found


def stood_still(clients: Sequence[Client], words: int) -> None:
    """Wait until each client got so many words."""
    until = time.monotonic() + 15
    while any(client.words < words for client in clients) and time.monotonic() < until:
        time.sleep(0.01)
    assert [client.words for client in clients] == [words] * len(clients)


def test_at_any_moment_the_journal_has_what_the_provider_sent_of_each_stream(
    first: Misbehaving, project: Project, caller_key: str, tmp_path: Path
) -> None:
    first.always(STOPS)
    with serving(tmp_path / "journal", first.place) as (address, _):
        clients = [Client(address, caller_key, model) for model in ("tier:1", "tier:2")]
        for client in clients:
            client.start()
        stood_still(clients, 25)
        now, deaf = (charged(tmp_path / "journal", tmp_path / str(each), is_deaf=each) for each in (False, True))
        asked = counted(first)
    by_openai, by_anthropic = (client.name for client in clients)
    assert {name: each.usage.output for name, each in now.items()} == {by_openai: 25, by_anthropic: 25}
    assert {each.usage.source for each in now.values()} == {"counted"}
    assert now[by_anthropic].usage.input_uncached == asked[by_anthropic][0]  # it says so when it begins
    assert now[by_openai].usage.input_uncached == pytest.approx(asked[by_openai][0], abs=ESTIMATED)
    for each in now.values():
        cost = each.usage.input_uncached * INPUT_NANOUSD + each.usage.output * OUTPUT_NANOUSD
        assert each.cost_nanousd == cost
    assert {name: each.usage.output for name, each in deaf.items()} == {by_openai: 100, by_anthropic: 100}
    for client in clients:
        client.join()


def test_an_answer_that_is_kept_while_a_better_one_is_asked_for_is_charged_as_its_provider_counted_it(
    first: Misbehaving, project: Project, caller_key: str, tmp_path: Path
) -> None:
    first.then(Manner(text=""), Manner(first_after_s=3))
    with serving(tmp_path / "journal", first.place) as (address, resources):
        client = Client(address, caller_key, "auto", is_streamed=False)
        client.start()
        until = time.monotonic() + 15
        while resources.journal.open_attempts < 2 and time.monotonic() < until:
            time.sleep(0.01)
        shutil.copytree(tmp_path / "journal", tmp_path / "copy")
        (orphan,) = orphans(tmp_path / "copy")
        refused, asked = (entry.attempt.usage for entry in orphan.entries)
        orphan.leave()
        assert refused == Usage(input_uncached=first.calls[0].input_tokens, output=0)
        assert (asked.source, asked.output) == ("reserved", MOST_OUTPUT)
        client.join()


def test_what_was_heard_of_nothing_but_its_head_is_charged_as_the_provider_tells_afterwards(
    first: Misbehaving, project: Project, caller_key: str, tmp_path: Path
) -> None:
    first.has_books = True
    first.always(Manner(first_after_s=1.5))
    with serving(tmp_path / "journal", first.place) as (address, resources):
        clients = [Client(address, caller_key, model, is_streamed=model != "auto") for model in ("tier:1", "auto")]
        for client in clients:
            client.start()
        until = time.monotonic() + 15
        while sum(bool(call.name) for call in first.calls) < len(clients) and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.5)
        shutil.copytree(tmp_path / "journal", tmp_path / "copy")
        (orphan,) = orphans(tmp_path / "copy")
        assert {entry.attempt.usage.source for entry in orphan.entries} == {"reserved"}
        told = asyncio.run(amended_of(orphan.entries, resources))
        orphan.leave()
        asked = counted(first)
    assert {entry.caller.session: entry.attempt.usage.source for entry in told} == dict.fromkeys(asked, "provider")
    for entry in told:
        usage = entry.attempt.usage
        assert (usage.input_uncached, usage.output) == asked[entry.caller.session]
        assert entry.attempt.cost_nanousd == usage.input_uncached * INPUT_NANOUSD + usage.output * OUTPUT_NANOUSD
    for client in clients:
        client.join()


def kill_again_and_again(
    folder: Path, first: Misbehaving, key: str, count: int
) -> tuple[list[Client], dict[str, Attempt]]:
    """Kill so many gateways while they answer; all clients, and what their calls would be charged if nothing had been
    noted of what was heard."""
    dice = random.Random(count)
    clients: list[Client] = []
    deaf: dict[str, Attempt] = {}
    for number in range(count):
        with process(folder, [first.place]) as one:
            models = ("tier:1", "tier:2", "auto") * 2
            mine = [Client(one.address, key, model, is_streamed=model != "auto") for model in models]
            for client in mine:
                client.start()
                time.sleep(dice.random() * 0.15)
            is_answering(mine)
            time.sleep(dice.random() * 0.5)
            os.kill(one.process.pid, signal.SIGKILL)
            one.process.wait(20)
            deaf |= charged(folder / "gateway", folder / f"deaf-{number}", is_deaf=True)
            for client in mine:
                client.join()
            clients += mine
    return clients, deaf


def is_answering(clients: Sequence[Client]) -> None:
    """Wait until something came for one of them."""
    until = time.monotonic() + PATIENCE_S
    while not any(client.words for client in clients) and time.monotonic() < until:
        time.sleep(0.01)
    assert any(client.words for client in clients)


def stored_all(one: Running) -> None:
    """Wait until a gateway has adopted what its dead predecessors left."""
    until = time.monotonic() + PATIENCE_S
    while one.journals() and time.monotonic() < until:
        time.sleep(0.1)
    assert one.journals() == []


def differences(
    calls: Mapping[str, Call], counts: Mapping[str, tuple[int, int]], clients: Sequence[Client]
) -> dict[str, int]:
    """By how many tokens of output the ledger has less than the provider counts, of the calls that were under way.
    Each call is compared with what is known of it."""
    words = {client.name: client.words for client in clients}
    found = {}
    for name, call in calls.items():
        count = counts.get(name, (0, 0))
        match quality_names(call.quality):
            case ():
                assert (call.input_uncached, call.output) == count
            case ("usage_counted",):
                assert words[name] <= call.output <= count[1]
                assert call.input_uncached == pytest.approx(count[0], abs=ESTIMATED if call.tier == "tier-1" else 0)
                found[name] = count[1] - call.output
            case ("usage_reserved",):
                assert (words[name], call.output) == (0, MOST_OUTPUT)
                assert call.input_uncached == pytest.approx(count[0], abs=ESTIMATED) or not count[0]
            case other:
                pytest.fail(f"a call is marked {other}")
    return found


@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [pytest.param(1, marks=pytest.mark.slow), pytest.param(50, marks=pytest.mark.faults)])
def test_of_calls_whose_gateway_was_killed_the_ledger_has_what_was_heard_and_each_once(
    count: int, first: Misbehaving, project: Project, caller_key: str, tmp_path: Path
) -> None:
    first.always(SLOW)
    clients, deaf = kill_again_and_again(tmp_path, first, caller_key, count)
    is_quiet(first)
    with process(tmp_path, [first.place]) as last:
        stored_all(last)
    counts = counted(first)
    calls = {call.session_id: call for call in Call.objects.filter(project_id=project.pk)}
    assert len(calls) == Call.objects.filter(project_id=project.pk).count()
    assert counts.keys() <= calls.keys() <= {client.name for client in clients}
    less = differences(calls, counts, clients)
    assert len(counts) >= 3 * count, "most calls were never made"
    assert len(less) >= count / 2, "most gateways were killed when they had nothing to do"
    more = {name: deaf[name].usage.output - counts[name][1] for name in less}
    said = f"of {len(calls)} calls {len(less)} under way: less {sorted(less.values())}, deaf more {sum(more.values())}"
    sys.stdout.write(said + "\n")
    assert all(difference >= MOST_OUTPUT - WORDS for difference in more.values())  # what noting is for


@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [pytest.param(1, marks=pytest.mark.slow), pytest.param(50, marks=pytest.mark.faults)])
def test_of_a_provider_that_tells_afterwards_the_ledger_has_its_own_count_of_all_that_it_had_begun_to_answer(
    count: int, first: Misbehaving, project: Project, caller_key: str, tmp_path: Path
) -> None:
    first.has_books = True
    first.always(SLOW)
    clients, _ = kill_again_and_again(tmp_path, first, caller_key, count)
    is_quiet(first)
    with process(tmp_path, [first.place]) as last:
        stored_all(last)
    counts = counted(first)
    calls = {call.session_id: call for call in Call.objects.filter(project_id=project.pk)}
    broken = [client.name for client in clients if 0 < client.words < WORDS and client.name in calls]
    assert len(broken) >= count / 2, "most gateways were killed when they had nothing to do"
    unheard = {name: call for name, call in calls.items() if quality_names(call.quality)}
    assert {quality_names(call.quality) for call in unheard.values()} <= {("usage_reserved",)}
    assert not set(unheard) & set(broken)
    for name in calls.keys() - unheard.keys():
        assert (calls[name].input_uncached, calls[name].output) == counts[name]
    sys.stdout.write(f"of {len(calls)} calls {len(broken)} broke off, and of {len(unheard)} no head had come\n")
