"""Clients that leave in the middle: the ledger says what the provider says."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from telemetry.models import Project
from telemetry.usage import quality_names
from tests.gateways import Rungs, counted, is_quiet, ledger, paid, serving
from tests.misbehaving import Manner, provider

SLOW = Manner(gap_s=0.01)  # 60 tokens in 0.6 s


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
    count: int, project: Project, caller_key: str, tmp_path: Path
) -> None:
    with provider() as first, paid(first.openai), serving(tmp_path, first.place) as (address, resources):
        first.always(SLOW)
        first.models = ["model-1"]  # else the gateway finds that it is gone, and asks nothing
        names = vanish(address, caller_key, count)
        is_quiet(first)
        calls = ledger(project, count)
        assert {call.session_id: (call.input_uncached, call.output) for call in calls} == counted(first)
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


def test_a_model_of_our_own_is_told_to_stop_before_its_first_token_too(
    rungs: Rungs, project: Project, caller_key: str
) -> None:
    rungs.first.always(Manner(first_after_s=2.0))
    began = time.monotonic()
    ask(rungs.address, caller_key, "leaves", is_streamed=True, reads=0)
    is_quiet(rungs.first)
    assert time.monotonic() - began < 1.9
    (call,) = ledger(project, 1)
    assert rungs.first.calls[0].has_left
    assert (call.error_type, call.output) == ("", 0)


def test_what_is_paid_for_is_read_to_its_end_though_nobody_waits_for_its_first_token(
    project: Project, caller_key: str, tmp_path: Path
) -> None:
    with provider() as first, paid(first.openai), serving(tmp_path, first.place) as (address, resources):
        first.always(Manner(first_after_s=0.4))
        first.models = ["model-1"]
        ask(address, caller_key, "leaves", is_streamed=True, reads=0)
        is_quiet(first)
        (call,) = ledger(project, 1)
        assert {"leaves": (call.input_uncached, call.output)} == counted(first)
        assert call.quality == 0
        assert resources.drains == 0
