"""Calls of our tool, taken out of an answer in either protocol, and their results as a model is told them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from routing.contracts import Protocol, ToolCall
from routing.wire.asides.chat import ChatHiding, chat_taken
from routing.wire.asides.messages import MessageHiding, message_taken
from routing.wire.asides.shown import Hiding, Said, Shown
from routing.wire.bodies import Body, read_object, written


def hiding(protocol: Protocol, tool: str, shown: Shown, *, may_go_on: bool) -> Hiding:
    """Who takes the calls of a tool out of a round of a stream."""
    if protocol == "openai.chat":
        return ChatHiding(tool, shown, may_go_on=may_go_on)
    return MessageHiding(tool, shown, may_go_on=may_go_on)


def taken(protocol: Protocol, tool: str, body: bytes, shown: Shown, *, may_go_on: bool) -> tuple[bytes, Said]:
    """A whole answer as the client gets it, to the byte as it came where nothing has to be taken out, and what it came
    to."""
    parsed = read_object(body) or {}
    take = chat_taken if protocol == "openai.chat" else message_taken
    made, said = take(tool, parsed, shown, may_go_on=may_go_on)
    return body if made is parsed else written(made), said


def results_of(protocol: Protocol, calls: Sequence[ToolCall], texts: Sequence[str]) -> list[Body]:
    """The messages by which a model is told what its calls gave."""
    if protocol == "openai.chat":
        return [
            {"role": "tool", "tool_call_id": call.id, "content": text} for call, text in zip(calls, texts, strict=True)
        ]
    blocks = [
        {"type": "tool_result", "tool_use_id": call.id, "content": text}
        for call, text in zip(calls, texts, strict=True)
    ]
    return [{"role": "user", "content": blocks}]
