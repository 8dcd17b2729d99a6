"""Which requests may be answered by what was answered before, for how long, and which are the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from routing.contracts import KeepRule, Protocol, Provider, Tier
from routing.gateway.repeats import USUAL_HOURS, BadWish, hours_of, question_of, ruled_hours
from routing.wire.reading import Request, read
from tests.traps import questions

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}
FUNCTION = {"type": "function", "function": {"name": "look", "parameters": {"properties": {"url": {"type": "string"}}}}}
PROVIDER = Provider(id=1, name="p", family="openai", base_url="http://127.0.0.1:1/v1")
TIERS = [
    Tier(id=number, position=number, name=f"t{number}", provider=PROVIDER, model=f"m{number}", context_window=4096)
    for number in (1, 2)
]


def request(protocol: Protocol = "openai.chat", **body: Any) -> Request:
    return read(protocol, json.dumps({"model": "auto", **HELLO, **body}).encode())


def key(
    body: dict[str, Any],
    *,
    protocol: Protocol = "openai.chat",
    first: Tier = TIERS[0],
    is_pinned: bool = False,
    tiers: list[Tier] = TIERS,
    project: int = 1,
    headers: dict[bytes, bytes] | None = None,
) -> str:
    asked = request(protocol, **body)
    return question_of(
        asked, headers or {}, first, tiers, is_pinned=is_pinned, hours=1, project_id=project, project="p"
    ).key


def content(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "look"}, *parts]}]}


@pytest.mark.parametrize(
    "body",
    [{"temperature": 0}, {"temperature": 0.0, "seed": 1}, {"temperature": 0, "n": 1}, {"temperature": 0, "tools": []}],
)
def test_a_rule_holds_for_what_leaves_nothing_to_chance(body: dict[str, Any]) -> None:
    assert hours_of(request(**body), "", 2.0) == 2.0
    assert hours_of(request(**body), "", 0.0) == 0.0
    assert hours_of(request(**body), "off", 2.0) == 0.0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"temperature": 0.01},
        {"temperature": False},
        {"temperature": "0"},
        {"temperature": None},
        {"temperature": 0, "tools": [FUNCTION]},
        {"temperature": 0, "functions": [{"name": "f"}]},
    ],
)
def test_for_everything_else_the_request_itself_has_to_say_so(body: dict[str, Any]) -> None:
    assert hours_of(request(**body), "", 2.0) == 0.0
    assert hours_of(request(**body), "on", 2.0) == 2.0
    assert hours_of(request(**body), "on", 0.0) == USUAL_HOURS
    assert hours_of(request(**body), "1800", 2.0) == 0.5


def test_vectors_leave_nothing_to_chance() -> None:
    assert hours_of(request("openai.embeddings", input="a"), "", 2.0) == 2.0
    assert hours_of(request("anthropic.count_tokens", temperature=0), "on", 2.0) == 0.0


@pytest.mark.parametrize(
    "body",
    [
        {"n": 2},
        {"background": True},
        {"tools": [{"type": "web_search_preview"}]},
        {"tools": [FUNCTION, {"type": "code_interpreter"}]},
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"mcp_servers": [{"type": "url", "url": "https://example.com"}]},
        {"web_search_options": {"search_context_size": "low"}},
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"prompt": {"id": "pmpt_1"}},
        content({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}),
        content({"type": "input_image", "image_url": "https://example.com/a.png"}),
        content({"type": "file", "file": {"file_id": "file-1"}}),
        content({"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}),
        content({"type": "tool_result", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}),
    ],
)
def test_what_reads_or_changes_something_elsewhere_is_never_repeatable(body: dict[str, Any]) -> None:
    assert hours_of(request(temperature=0, **body), "", 2.0) == 0.0
    assert hours_of(request(temperature=0, **body), "on", 2.0) == 0.0


def test_pictures_inside_the_request_are_a_part_of_it() -> None:
    first, other = (
        content({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}})
        for data in ("AAAA", "AAAB")
    )
    assert hours_of(request(temperature=0, **first), "", 2.0) == 2.0
    assert key(first) != key(other)


@pytest.mark.parametrize("said", ["yes", "0", "-5", "1.5", "2592001", "٣", "true"])
def test_a_wish_that_nobody_knows_is_refused(said: str) -> None:
    with pytest.raises(BadWish, match="on, off, or for how many seconds"):
        hours_of(request(), said, 0.0)


def test_the_nearest_rule_holds() -> None:
    rules = [
        KeepRule(hours=1),
        KeepRule(hours=2, task_type="sum"),
        KeepRule(hours=3, project="p"),
        KeepRule(hours=4, project="p", task_type="sum"),
        KeepRule(hours=5, key_id=7),
        KeepRule(hours=0, key_id=7, task_type="fresh"),
        KeepRule(hours=99, project="q"),
    ]
    known = [("o", 1, "", 1), ("o", 1, "sum", 2), ("p", 1, "", 3), ("p", 1, "sum", 4), ("p", 7, "sum", 5)]
    for project, key_id, task_type, hours in [*known, ("p", 7, "fresh", 0), ("q", 7, "", 5)]:
        assert ruled_hours(rules, project=project, key_id=key_id, task_type=task_type) == hours
    assert ruled_hours([], project="p", key_id=1, task_type="") == 0


def test_questions_that_look_alike_are_not_the_same() -> None:
    def asked(text: str) -> list[str]:
        return [key({"messages": [{"role": role, "content": text}]}) for role in ("system", "user")]

    seen = [(one, other) for one, other in questions() if set(asked(one)) & set(asked(other))]
    assert seen == []


def test_all_that_an_answer_depends_on_is_in_the_key() -> None:
    changed = [*TIERS[:1], replace(TIERS[1], model="other")]
    moved = [replace(tier, provider=replace(PROVIDER, base_url="http://127.0.0.1:2/v1")) for tier in TIERS]
    keys = [
        key({}),
        key({}, project=2),
        key({}, protocol="anthropic.messages"),
        key({}, first=TIERS[1]),
        key({}, is_pinned=True),
        key({}, tiers=changed),
        key({}, tiers=moved),
        key({}, headers={b"anthropic-beta": b"b"}),
        *(
            key({name: value})
            for name, values in (
                ("temperature", (0, 0.0, 1, "0", None)),
                ("top_p", (0, 1, 1.0)),
                ("seed", (1, "1")),
                ("stop", (["a"], "a")),
                ("max_tokens", (1,)),
                ("stream", (True, False)),
                ("model", ("tier:1", "")),
                ("response_format", ({"type": "json_object"},)),
            )
            for value in values
        ),
    ]
    assert len(set(keys)) == len(keys)
    assert key({"seed": 1, "top_p": 0}) == key({"top_p": 0, "seed": 1})
