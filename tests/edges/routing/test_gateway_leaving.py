"""Clients that leave in the middle, and gateways that are killed: the ledger says what the provider says."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from routing import models, roster
from telemetry.models import Call, Project
from telemetry.usage import quality_names
from tests.gateways import PATIENCE_S, Rungs, Running, ledger, process, serving
from tests.ladders import ladder
from tests.misbehaving import Manner, Misbehaving, provider

SLOW = Manner(gap_s=0.01)  # 60 tokens in 0.6 s
VARIABLE = "A_PROVIDERS_KEY"


def ask(address: str, key: str, name: str, *, is_streamed: bool, reads: int | None = None) -> bytes:
    """Call as `name`; read so many bytes of the answer and hang up, or all of it. What was read."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    body = {"model": "auto", "messages": [{"role": "user", "content": name}], "stream": is_streamed, "max_tokens": 100}
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "x-tloi-session": name}
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        if reads == 0:
            time.sleep(0.1)
            return b""
        answer = connection.getresponse()
        return answer.read() if reads is None else answer.read(reads)
    except (OSError, http.client.HTTPException):
        return b""
    finally:
        connection.close()


@contextmanager
def paid(project: Project, first: Misbehaving, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Inside, the only tier is one that costs money, elsewhere."""
    monkeypatch.setenv(VARIABLE, "sk-test")
    first.always(SLOW)
    with ladder(first.openai, is_free=False):
        models.Provider.objects.filter(tiers__isnull=False).update(is_local=False, key_variable=VARIABLE)
        roster.forget()
        yield


def by_name(one: Misbehaving) -> dict[str, tuple[int, int]]:
    """What a provider counted of each caller: input and output."""
    return {call.body["messages"][0]["content"]: (call.input_tokens, call.output_tokens) for call in one.calls}


def is_quiet(one: Misbehaving) -> None:
    """Wait until nothing is asked of a provider any more."""
    until = time.monotonic() + PATIENCE_S
    while one.at_once and time.monotonic() < until:
        time.sleep(0.02)
    assert one.at_once == 0


def vanish(address: str, key: str, count: int) -> list[str]:
    """So many clients that leave after some bytes, a few at a time."""
    dice = random.Random(count)
    names = [f"client-{number}-{uuid.uuid4().hex[:6]}" for number in range(count)]

    def leave(name: str) -> None:
        is_streamed = dice.random() < 0.8
        ask(address, key, name, is_streamed=is_streamed, reads=dice.randrange(0, 4_000) if is_streamed else 0)

    for first in range(0, count, 10):
        threads = [threading.Thread(target=leave, args=(name,)) for name in names[first : first + 10]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return names


@pytest.mark.parametrize("count", [8, pytest.param(50, marks=pytest.mark.faults)])
def test_of_clients_that_left_the_ledger_has_what_the_provider_counted(
    count: int, project: Project, caller_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider() as first, paid(project, first, monkeypatch), serving(tmp_path, first.place) as (address, resources):
        names = vanish(address, caller_key, count)
        is_quiet(first)
        calls = ledger(project, count)
        assert {call.session_id: (call.input_uncached, call.output) for call in calls} == by_name(first)
        assert {call.session_id for call in calls} == set(names)
        assert {call.quality for call in calls} == {0}
        assert resources.journal.open_attempts == 0
        assert resources.drains == 0
        assert ask(address, caller_key, "one-more", is_streamed=True).endswith(b"[DONE]\n\n")


def test_a_model_of_our_own_is_told_to_stop_when_nobody_reads(rungs: Rungs, project: Project, caller_key: str) -> None:
    rungs.first.always(Manner(gap_s=0.05))
    began = time.monotonic()
    assert ask(rungs.address, caller_key, "leaves", is_streamed=True, reads=600)
    is_quiet(rungs.first)
    assert time.monotonic() - began < 2.5  # all of it would take 3 s
    (call,) = ledger(project, 1)
    (asked,) = rungs.first.calls
    assert asked.has_left
    assert quality_names(call.quality) == ("usage_counted",)
    assert asked.output_tokens - 5 <= call.output <= asked.output_tokens
    assert call.input_uncached == pytest.approx(asked.input_tokens, abs=30)


def kill_again_and_again(folder: Path, first: Misbehaving, key: str, count: int) -> list[str]:
    """Kill so many gateways while they answer; the names of all calls that were tried."""
    dice, names = random.Random(count), []
    for _ in range(count):
        with process(folder, [first.place], A_PROVIDERS_KEY="sk-test") as one:
            mine = [f"call-{uuid.uuid4().hex[:8]}" for _ in range(6)]
            threads = [
                threading.Thread(target=ask, args=(one.address, key, name), kwargs={"is_streamed": bool(place % 3)})
                for place, name in enumerate(mine)
            ]
            for thread in threads:
                thread.start()
                time.sleep(dice.random() * 0.15)
            time.sleep(dice.random() * 0.7)
            os.kill(one.process.pid, signal.SIGKILL)
            for thread in threads:
                thread.join()
            names += mine
    return names


def stored_all(one: Running) -> None:
    """Wait until a gateway has adopted what its dead predecessors left."""
    until = time.monotonic() + PATIENCE_S
    while one.journals() and time.monotonic() < until:
        time.sleep(0.1)
    assert one.journals() == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [pytest.param(1, marks=pytest.mark.slow), pytest.param(50, marks=pytest.mark.faults)])
def test_of_calls_whose_gateway_was_killed_each_is_in_the_ledger_once_and_for_no_less(
    count: int, project: Project, caller_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider() as first, paid(project, first, monkeypatch):
        names = kill_again_and_again(tmp_path, first, caller_key, count)
        is_quiet(first)
        with process(tmp_path, [first.place], A_PROVIDERS_KEY="sk-test") as last:
            stored_all(last)
        counted = by_name(first)
        calls = {call.session_id: call for call in Call.objects.filter(project_id=project.pk)}
        assert len(calls) == Call.objects.filter(project_id=project.pk).count()
        assert counted.keys() <= calls.keys() <= set(names)
        for name, call in calls.items():
            told = call.input_uncached, call.output
            if quality_names(call.quality) == ("usage_reserved",):
                assert all(ours >= theirs for ours, theirs in zip(told, counted.get(name, (0, 0)), strict=True))
            else:
                assert (call.quality, told) == (0, counted[name])
