"""What a stream has used so far is in the journal before anybody gets it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from routing.contracts import Family, Provider, Step, Tier, Usage
from routing.gateway import noting
from routing.gateway.exchange import Trying
from routing.gateway.heard import NOTHING, Heard, heard_of
from routing.gateway.journal import Journal
from routing.gateway.noting import Noting
from routing.wire.reading import read
from routing.wire.sending import prepare
from routing.wire.streams import Relay, stream
from tests import provider_answers as answers
from tests.attempts import attempt, caller

PROVIDER = Provider(id=1, name="p", family="openai", base_url="http://127.0.0.1:1/v1")
TIER = Tier(
    id=1, position=1, name="t", provider=PROVIDER, model="m", context_window=1000, input_nanousd=3, output_nanousd=50
)
WORDS = tuple(f"word{number} " for number in range(10))
ASKED = b'{"model": "m", "stream": true, "max_tokens": 99, "messages": [{"role": "user", "content": "hello"}]}'


class Streaming:
    """A stream that was begun in a journal; `feed` gives it so many events, and notes after each."""

    def __init__(self, folder: Path, protocol: str, *, under_way: int = 1) -> None:
        self.journal = Journal(folder)
        for number in range(under_way):
            self.journal.begin(attempt(id=f"a{number}", usage=Usage(output=99, source="reserved")), caller())
        request = read("anthropic.messages" if protocol == "messages" else "openai.chat", ASKED)
        family: Family = "anthropic" if protocol == "messages" else "openai"
        prepared = prepare(request, family=family, model="m")
        self.relay: Relay = stream(request, prepared, model_name="m")
        said = answers.Said(protocol=protocol, model="m", prompt_tokens=77, pieces=WORDS, cached_tokens=30)
        self._events = (event for event, _ in answers.events(said, with_usage=True))
        trying = Trying(
            id="a0",
            number=1,
            step=Step(TIER, "the lowest"),
            prepared=prepared,
            started_at=datetime.now(UTC),
            began=time.monotonic(),
            prompt_tokens=11,
        )
        self._note: Callable[[], None] = Noting(self.journal, trying, self.relay)

    def feed(self, count: int) -> Heard | None:
        """What is noted after so many more events."""
        for _ in range(count):
            self.relay.feed(next(self._events))
            self._note()
        segment = self.journal.segments[0]
        return heard_of(os.pread(segment.fd, len(NOTHING) - 1, segment.open["a0"]))


def test_before_anything_was_heard_nothing_is_noted_and_then_each_piece_with_what_it_costs(tmp_path: Path) -> None:
    one = Streaming(tmp_path, "chat")
    assert one.feed(1) is None  # a role and no word
    for output in (1, 2, 3):
        noted = one.feed(1)
        assert noted is not None
        assert noted.usage == Usage(input_uncached=11, output=output, source="counted")
        assert noted.cost_nanousd == 11 * 3 + output * 50
        assert noted.provider_call_id == one.relay.provider_call_id > ""


def test_what_the_provider_says_of_the_input_before_it_answers_is_noted_as_it_said(tmp_path: Path) -> None:
    one = Streaming(tmp_path, "messages")
    begun = one.feed(1)
    assert begun is not None
    assert begun.usage == Usage(input_uncached=47, cache_read=30, output=0, source="counted")
    noted = one.feed(1 + 4)  # the beginning of a block, and words
    assert noted is not None
    assert noted.usage == Usage(input_uncached=47, cache_read=30, output=4, source="counted")
    assert noted.cost_nanousd == 77 * 3 + 4 * 50


def test_what_the_provider_says_at_the_end_is_noted_as_its_own_count(tmp_path: Path) -> None:
    one = Streaming(tmp_path, "chat")
    noted = one.feed(1 + 10 + 2)
    assert noted is not None
    assert noted.usage == Usage(input_uncached=47, cache_read=30, output=10)
    assert noted.usage.source == "provider"


@pytest.mark.parametrize(("under_way", "noted_last"), [(4, 9), (5, 1)])
def test_with_many_calls_under_way_a_piece_is_noted_only_now_and_then_but_the_end_always_is(
    under_way: int, noted_last: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noting, "FEW", 4)
    monkeypatch.setattr(noting, "MOST_A_S", 0.01)  # the next in some minutes
    one = Streaming(tmp_path, "chat", under_way=under_way)
    noted = one.feed(1 + 9)
    assert noted is not None
    assert noted.usage is not None
    assert noted.usage.output == noted_last
    ended = one.feed(3)
    assert ended is not None
    assert ended.usage is not None
    assert ended.usage.output == 10
