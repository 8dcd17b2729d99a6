"""Conversations of an agent, made by Hypothesis, in either protocol: words, calls of tools and results of any length,
interrupted calls, and results whose call nobody knows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from routing.contracts import Protocol

Message = dict[str, Any]
PROTOCOLS: tuple[Protocol, ...] = ("openai.chat", "anthropic.messages")
TOOLS: dict[Protocol, list[Message]] = {
    "openai.chat": [{"type": "function", "function": {"name": "read_file", "parameters": {}}}],
    "anthropic.messages": [{"name": "read_file", "input_schema": {}}],
}
WORDS = st.sampled_from(
    (
        "Fix it.",
        "yes",
        "Do not touch a.py.",
        "We decided on plan B because of c-91.",
        "Is that right?",
        "TODO: d.py",
        "long " * 300,
    )
)
LENGTHS = st.sampled_from((0, 1, 12, 40, 100))  # lines of a result


def request(protocol: Protocol, messages: Sequence[Message], **fields: Any) -> Message:
    """A request of these messages, with a tool."""
    return {"model": "m", "messages": list(messages), "tools": TOOLS[protocol], **fields}


def said(role: str, text: str) -> Message:
    """A message of words."""
    return {"role": role, "content": text}


def called(protocol: Protocol, text: str, calls: Sequence[tuple[str, str]]) -> Message:
    """The model says something and reads files: by id, which."""
    if protocol == "openai.chat":
        made = [
            {"id": id_, "type": "function", "function": {"name": "read_file", "arguments": json.dumps({"path": path})}}
            for id_, path in calls
        ]
        return {"role": "assistant", "content": text, "tool_calls": made}
    blocks: list[Message] = [{"type": "text", "text": text}]
    blocks += [{"type": "tool_use", "id": id_, "name": "read_file", "input": {"path": path}} for id_, path in calls]
    return {"role": "assistant", "content": blocks}


def answered(protocol: Protocol, results: Sequence[tuple[str, Any]], words: str = "") -> list[Message]:
    """What the tools gave, by id; with words of the user in the same message where the protocol has that."""
    if protocol == "openai.chat":
        messages = [{"role": "tool", "tool_call_id": id_, "content": content} for id_, content in results]
        return [*messages, said("user", words)] if words else messages
    blocks = [{"type": "tool_result", "tool_use_id": id_, "content": content} for id_, content in results]
    return [{"role": "user", "content": [*blocks, {"type": "text", "text": words}] if words else blocks}]


def printed(number: int, lines: int) -> str:
    """What a tool prints: so many lines."""
    return "\n".join(f"{number}: line {at} of src/f{number % 5}.py says x_{number * at}" for at in range(lines))


@st.composite
def conversations(draw: st.DrawFn, protocol: Protocol) -> list[list[Message]]:
    """What is new in each request: the model's last answer first, then what it is asked."""
    turns = [[said("user", draw(WORDS))]]
    if protocol == "openai.chat" and draw(st.booleans()):
        turns[0].insert(0, said("system", "You are careful."))
    return turns + [_turn(draw, protocol, number) for number in range(draw(st.integers(1, 10)))]


def _turn(draw: st.DrawFn, protocol: Protocol, number: int) -> list[Message]:
    kind = draw(st.sampled_from(("calls", "calls", "calls", "words", "interrupted", "orphan")))
    if kind == "words":
        last = draw(st.sampled_from(([], [said("user", draw(WORDS))], _shown(protocol))))
        return [said("assistant", draw(WORDS)), said("user", draw(WORDS)), *last]
    if kind == "orphan":
        return [said("assistant", draw(WORDS)), *answered(protocol, [(f"nobody_{number}", printed(number, 40))])]
    ids = [f"c{number}_{place}" for place in range(draw(st.integers(1, 3)))]
    message = called(protocol, draw(WORDS), [(id_, f"src/f{number % 5}.py") for id_ in ids])
    answers = [(id_, _content(draw, protocol, number)) for id_ in ids]
    if kind == "interrupted":  # before any result, or after some
        answers = answers[: draw(st.integers(0, len(ids) - 1))]
        given = answered(protocol, answers) if answers else []
        return [message, *given, said("user", draw(WORDS))]
    return [message, *answered(protocol, answers, draw(WORDS) if draw(st.integers(0, 3)) == 0 else "")]


def _shown(protocol: Protocol) -> list[Message]:
    """A picture that the user shows; in a chat after a word of the system's."""
    if protocol == "openai.chat":
        picture: Message = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
        return [said("system", "Speak German."), {"role": "user", "content": [picture]}]
    source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    return [{"role": "user", "content": [{"type": "image", "source": source}, {"type": "text", "text": "Look."}]}]


def _content(draw: st.DrawFn, protocol: Protocol, number: int) -> Any:
    text = printed(number, draw(LENGTHS))
    match draw(st.integers(0, 5)):
        case 0:
            return [{"type": "text", "text": text}, {"type": "text", "text": "…"}]
        case 1 if protocol == "anthropic.messages":
            source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
            return [{"type": "text", "text": text}, {"type": "image", "source": source}]
    return text
