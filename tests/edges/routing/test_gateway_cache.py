"""What was answered before is the answer: where somebody wants that, to the byte, and without a call of a provider."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from routing import roster
from routing.cache import lookups
from routing.cache.results import forget
from routing.gateway import rosters
from routing.models import KeepRule, RecallDay
from telemetry import facade
from telemetry.access.projects import ensure_project
from telemetry.models import Project
from tests.gateways import PATIENCE_S, Rungs, ledger, serving
from tests.misbehaving import Manner

ON = {"x-tloi-cache": "on"}
LIMITS = {"has_embeddings": True, "has_json": True}  # of both tiers


@dataclass
class Got:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def cache(self) -> str:
        return self.headers.get("x-tloi-cache", "")


class Client:
    """Asks a gateway what no other test asks."""

    def __init__(self, address: str, key: str) -> None:
        self._address, self._key = address, key
        self._mark = uuid.uuid4().hex

    def ask(
        self,
        text: str = "say words",
        *,
        headers: dict[str, str] | None = None,
        path: str = "chat/completions",
        **body: Any,
    ) -> Got:
        said = {"model": "auto", "messages": [{"role": "user", "content": f"{text} {self._mark}"}], **body}
        told = {"authorization": f"Bearer {self._key}", "content-type": "application/json", **(headers or {})}
        request = urllib.request.Request(f"{self._address}/v1/{path}", json.dumps(said).encode(), told)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Got(
                    answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
                )
        except urllib.error.HTTPError as error:
            with error:
                return Got(error.code, {name.lower(): value for name, value in error.headers.items()}, error.read())

    def again(self, *, then: str = "hit", **asked: Any) -> tuple[Got, Got]:
        """Ask, wait until the answer is kept, and ask again."""
        first = self.ask(**asked)
        settled()
        second = self.ask(**asked)
        assert second.cache == then, second
        return first, second


def settled() -> None:
    """What goes on beside requests is a question of Valkey, which is done in a moment."""
    time.sleep(0.1)


@pytest.fixture
def client(rungs: Rungs, caller_key: str) -> Client:
    return Client(rungs.address, caller_key)


@contextmanager
def rule(rungs: Rungs, **said: Any) -> Iterator[KeepRule]:
    """Inside, there is a rule, and the gateway knows it."""
    made = KeepRule.objects.create(**said)
    _read_anew(rungs)
    yield made
    made.delete()
    _read_anew(rungs)


def _read_anew(rungs: Rungs) -> None:
    roster.forget()
    rungs.resources.rosters._known = None
    rungs.resources.rosters._read_at = time.monotonic() - rosters.FRESH_S


def test_unless_somebody_wants_it_every_request_is_asked(rungs: Rungs, client: Client) -> None:
    client.again(then="", temperature=0)
    assert len(rungs.first.calls) == 2


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize("path", ["chat/completions", "messages", "responses"])
def test_the_same_is_answered_to_the_byte_without_a_call(
    rungs: Rungs, client: Client, project: Project, path: str, is_streamed: bool
) -> None:
    said: dict[str, Any] = {"stream": is_streamed, "max_tokens": 1000}
    if path == "responses":
        said |= {"input": f"say words {uuid.uuid4()}", "messages": None}
    first, second = client.again(path=path, headers=ON, **said)
    assert first.status == 200
    assert first.cache == "miss"
    assert b"word59" in first.body
    assert (second.body, second.headers["content-type"]) == (first.body, first.headers["content-type"])
    assert len(rungs.first.calls) == 1
    (call,) = ledger(project, 1)
    own = "request-id" if path == "messages" else "x-request-id"
    assert second.headers[own] == first.headers[own] == call.request_key
    assert second.headers["x-tloi-request-id"] != first.headers["x-tloi-request-id"]
    assert (second.headers["x-tloi-attempts"], second.headers["x-tloi-cost"]) == ("0", "0.000000000")
    assert client.ask(path=path, headers=ON, **said | {"stream": not is_streamed}).cache == "miss"


def test_what_differs_in_anything_is_asked(rungs: Rungs, client: Client) -> None:
    client.again(headers=ON, temperature=0)
    others: list[dict[str, Any]] = [
        {"text": "say words "},
        {"text": "Say words"},
        {"text": "don't say words"},
        {"temperature": 0.0},
        {"temperature": 0.1},
        {"max_tokens": 100},
        {"seed": 1},
        {"model": "tier:1"},
        {"user": "u"},
        {"headers": ON | {"openai-beta": "b"}},
    ]
    for other in others:
        asked: dict[str, Any] = {"headers": ON, "temperature": 0} | other
        assert client.ask(**asked).cache == "miss", other
    assert len(rungs.first.calls) == 1 + len(others)


def test_another_project_gets_none_of_it_and_another_key_of_the_project_does(
    rungs: Rungs, client: Client, project: Project
) -> None:
    client.again(headers=ON)
    other = ensure_project(slug=f"p{uuid.uuid4().hex[:12]}")
    for slug, found in ((other.slug, "miss"), (project.slug, "hit")):
        client._key = facade.create_key(project_slug=slug, name="other", scopes=["gateway"])
        assert client.ask(headers=ON).cache == found


def test_a_rule_keeps_what_leaves_nothing_to_chance_and_a_header_says_otherwise(
    rungs: Rungs, client: Client, project: Project
) -> None:
    with rule(rungs, project=project.slug, hours=1):
        client.again(temperature=0)
        client.again(path="embeddings", input=f"vector {uuid.uuid4()}", messages=None)
        client.again(then="", temperature=0.7)
        client.again(then="")
        client.again(then="", temperature=0, tools=[TOOL])
        client.again(then="", temperature=0, headers={"x-tloi-cache": "off"})
        with rule(rungs, project=project.slug, task_type="fresh", hours=0):
            client.again(then="", temperature=0, headers={"x-tloi-task-type": "fresh"})
    assert client.ask(temperature=0).cache == ""


def test_a_changed_ladder_and_a_forgotten_tag_are_asked_anew(rungs: Rungs, client: Client, project: Project) -> None:
    client.again(headers=ON)
    assert forget(f"answers of {project.slug}")
    assert client.ask(headers=ON).cache == "miss"
    settled()
    from routing.models import Tier  # noqa: PLC0415

    Tier.objects.filter(name="tier-2").update(model="model-3")
    _read_anew(rungs)
    assert client.ask(headers=ON).cache == "miss"


def test_a_key_that_was_revoked_gets_no_kept_answer(rungs: Rungs, client: Client) -> None:
    client.again(headers=ON)
    facade.revoke_key(client._key[5:13], now=datetime.now(UTC))
    time.sleep(1.0)  # for which a key is believed
    assert client.ask(headers=ON).status == 401


TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
CALLING = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {
                "role": "assistant",
                "content": "I look.",
                "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


@pytest.mark.parametrize(
    ("manner", "body"),
    [
        (Manner(tool=("f", "{}")), {"tools": [TOOL]}),
        (Manner(body=json.dumps(CALLING).encode()), {"tools": [TOOL]}),  # as some servers say it
        (Manner(finish="content_filter"), {}),
        (Manner(status=503), {}),  # the second tier answers
        (Manner(text="none"), {"response_format": {"type": "json_object"}}),  # the gate refuses both
        (Manner(dies_after=10), {"stream": True}),
        (Manner(bad_event_after=10), {"stream": True}),
        (Manner(bad_event_after=10), {"stream": True, "headers": ON | {"x-tloi-buffer": "1"}}),
    ],
)
def test_what_is_no_good_answer_of_the_tier_that_was_asked_first_is_not_kept(
    rungs: Rungs, client: Client, manner: Manner, body: dict[str, Any]
) -> None:
    rungs.first.always(manner)
    rungs.second.always(manner if "response_format" in body else Manner(text="It is another answer."))
    asked: dict[str, Any] = {"headers": ON} | body
    assert client.ask(**asked).status == 200
    settled()
    before = len(rungs.first.calls) + len(rungs.second.calls)
    assert client.ask(**asked).cache != "hit"
    assert len(rungs.first.calls) + len(rungs.second.calls) > before


def test_an_answer_that_the_gate_asked_a_higher_tier_for_is_kept(rungs: Rungs, client: Client) -> None:
    rungs.first.always(Manner(text="none"))
    rungs.second.always(Manner(text='{"a": 1}'))
    first, _ = client.again(headers=ON, response_format={"type": "json_object"})
    assert first.headers["x-tloi-tier"] == "2"
    assert (len(rungs.first.calls), len(rungs.second.calls)) == (1, 1)


def test_many_who_ask_two_gateways_the_same_at_once_are_answered_by_one_call(
    rungs: Rungs, client: Client, tmp_path: Path
) -> None:
    rungs.first.always(Manner(head_after_s=0.5))
    with serving(tmp_path / "second", rungs.first.place, rungs.second.place) as (address, _):
        other = Client(address, client._key)
        other._mark = client._mark
        with ThreadPoolExecutor(40) as threads:
            got = list(threads.map(lambda number: (client, other)[number % 2].ask(headers=ON), range(40)))
        alone = list(ThreadPoolExecutor(8).map(lambda number: (client, other)[number % 2].ask(), range(8)))
    assert {(one.status, one.body) for one in got} == {(200, got[0].body)}
    assert sorted(one.cache for one in got) == ["hit"] * 39 + ["miss"]
    assert len(rungs.first.calls) == 1 + len(alone)


def test_where_the_first_of_many_fails_the_others_are_not_kept_waiting(rungs: Rungs, client: Client) -> None:
    rungs.first.always(Manner(status=400, head_after_s=0.3, message="no"))
    with ThreadPoolExecutor(10) as threads:
        got = list(threads.map(lambda _: client.ask(headers=ON), range(10)))
    assert {one.status for one in got} == {400}
    assert len(rungs.first.calls) == 10


def test_who_leaves_while_another_is_asked_ends_nothing_and_keeps_nothing_back(rungs: Rungs, client: Client) -> None:
    rungs.first.then(Manner(gap_s=0.05))

    async def leave() -> None:
        place = rungs.address.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(place[0], int(place[1]))
        body = json.dumps(
            {"model": "auto", "stream": True, "messages": [{"role": "user", "content": f"say words {client._mark}"}]}
        )
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {client._key}\r\n"
        writer.write(f"{head}x-tloi-cache: on\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()
        while not rungs.first.calls:
            await asyncio.sleep(0.01)
        writer.close()

    asyncio.run(leave())
    began = time.monotonic()
    answer = client.ask(headers=ON, stream=True)
    assert answer.body.rstrip().endswith(b"[DONE]")
    assert answer.cache != "hit"
    assert time.monotonic() - began < lookups.LEASE_S


def test_an_old_answer_is_given_where_nobody_can_give_a_new_one(rungs: Rungs, client: Client) -> None:
    asked: dict[str, Any] = {"headers": {"x-tloi-cache": "1"}}
    first = client.ask(**asked)
    time.sleep(1.1)
    for tier in (rungs.first, rungs.second):
        tier.always(Manner(status=401))
    late = client.ask(**asked)
    assert (late.status, late.cache, late.body) == (200, "stale", first.body)
    assert int(late.headers["age"]) >= 1
    assert client.ask().status >= 500  # as it would be for all


def test_without_the_cache_every_request_is_asked_and_answered(
    rungs: Rungs, client: Client, settings: Settings
) -> None:
    settings.CACHE_URL = "redis://127.0.0.1:1/0"
    for _ in range(3):
        answer = client.ask(headers=ON)
        assert (answer.status, answer.cache) == (200, "")
    assert len(rungs.first.calls) == 3


@pytest.mark.parametrize("said", ["yes", "-1", "0", "1.5", "2592001", "99999999999"])
def test_a_wish_that_nobody_knows_is_refused_with_what_is_known(client: Client, said: str) -> None:
    answer = client.ask(headers={"x-tloi-cache": said})
    assert answer.status == 400
    assert b"on, off, or for how many seconds" in answer.body


def test_what_was_saved_is_summed_by_day_and_tier_and_no_call_is_made_of_it(
    rungs: Rungs, client: Client, project: Project
) -> None:
    client.again(headers=ON)
    client.ask(headers=ON)
    (call,) = ledger(project, 1)
    until = time.monotonic() + PATIENCE_S
    while (day := RecallDay.objects.filter(project_id=project.pk).first()) is None or day.asked < 3:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert (day.asked, day.found, day.saved_nanousd, day.unpriced) == (3, 2, 0, 0)
    assert (day.input_tokens, day.output_tokens) == (2 * call.input_uncached, 2 * call.output)
    ledger(project, 1)
