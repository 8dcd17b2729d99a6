"""What a request says, whichever protocol it is in: its texts, its images, its tools, the schema it asks for. Pure.

A walk over a prompt never raises: `reading` has seen to the types of what must be there, and what else has another
type than it should have counts as nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from routing.contracts import Protocol
from routing.wire.bodies import Body, as_text, kind_of, object_of, objects_of, text_of

# Claude Code's first system block, which changes with each request and would spoil a prompt cache.
BILLING = "x-anthropic-billing-header"
_IMAGES = frozenset(("image_url", "image", "input_image"))
_CALLS = frozenset(("tool_use", "tool_result", "function_call", "function_call_output"))
_RESULTS = frozenset(("tool_result", "function_call_output"))


class Turn(Struct):
    """One message: whose, its texts, and what is in it beside text."""

    role: str
    texts: list[str]
    has_image: bool = False
    has_tool: bool = False  # a call of a tool, or a result


class Tool(Struct, frozen=True):
    """A tool that a request offers. `schema` is that of its arguments; empty where it has none."""

    name: str
    schema: dict[str, Any]


def turns(protocol: Protocol, body: Body) -> list[Turn]:
    """The messages of a request, system prompt first."""
    match protocol:
        case "openai.chat":
            return [_turn(message) for message in objects_of(body.get("messages"))]
        case "anthropic.messages" | "anthropic.count_tokens":
            system = _system(body.get("system"))
            said = [_turn(message) for message in objects_of(body.get("messages"))]
            return [Turn("system", system), *said] if system else said
        case "openai.responses":
            return _items(body)
    return [Turn("user", _strings(body.get("prompt", body.get("input"))))]


def texts(protocol: Protocol, body: Body) -> Iterator[str]:
    """Every text of a request that a model reads, tools and schema too: what has to be counted before the call."""
    for turn in turns(protocol, body):
        yield from turn.texts
    for tool in objects_of(body.get("tools")):
        yield as_text(tool)
    if schema := schema_of(protocol, body):
        yield as_text(schema)


def texts_of(message: Body) -> list[str]:
    """Every text of one message of a chat, or of Anthropic's messages, that a model reads."""
    if type(content := message.get("content")) is str and "tool_calls" not in message:  # as most are
        return [content]
    return _turn(message).texts


def tools_of(body: Body) -> tuple[Tool, ...]:
    """The tools of a request that have a name: functions, and Anthropic's own."""
    found = []
    for tool in objects_of(body.get("tools")):
        function = object_of(tool.get("function")) or tool
        if name := text_of(function.get("name")):
            found.append(Tool(name, object_of(function.get("parameters") or function.get("input_schema"))))
    return tuple(found)


def schema_of(protocol: Protocol, body: Body) -> Body | None:
    """The JSON schema that an answer must keep to; empty for any JSON object, None where none is asked for."""
    match protocol:
        case "openai.chat":
            asked = object_of(body.get("response_format"))
            inner = object_of(asked.get("json_schema"))
        case "openai.responses":
            asked = inner = object_of(object_of(body.get("text")).get("format"))
        case "anthropic.messages":
            asked = inner = object_of(object_of(body.get("output_config")).get("format"))
        case _:
            return None
    if asked.get("type") == "json_schema":
        return object_of(inner.get("schema"))
    return {} if asked.get("type") == "json_object" else None


def _system(system: object) -> list[str]:
    if type(system) is str:
        return [system] if system else []
    blocks = [text_of(block.get("text")) for block in objects_of(system)]
    return [text for text in blocks if text and not text.startswith(BILLING)]


def _turn(message: Body) -> Turn:
    turn = Turn(text_of(message.get("role")), [])
    content = message.get("content")
    if type(content) is str:
        turn.texts.append(content)
    else:
        _parts(content, turn)
    calls = objects_of(message.get("tool_calls"))
    for call in calls:
        function = object_of(call.get("function"))
        turn.texts += [text_of(function.get("name")), text_of(function.get("arguments"))]
    turn.has_tool = turn.has_tool or bool(calls) or turn.role == "tool"
    return turn


def _parts(content: object, turn: Turn) -> None:
    for part in objects_of(content):
        kind = kind_of(part)
        if text := text_of(part.get("text")) or text_of(part.get("thinking")):
            turn.texts.append(text)
        if kind in _IMAGES:
            turn.has_image = True
        elif kind in _CALLS:
            turn.has_tool = True
            if kind == "tool_use":
                turn.texts += [text_of(part.get("name")), as_text(object_of(part.get("input")))]
            elif type(inner := part.get("content")) is str:
                turn.texts.append(inner)
            else:
                _inner(inner, turn)


def _inner(content: object, turn: Turn) -> None:
    """The parts of a tool's result, which hold no calls."""
    for part in objects_of(content):
        if text := text_of(part.get("text")):
            turn.texts.append(text)
        turn.has_image = turn.has_image or kind_of(part) in _IMAGES


def _items(body: Body) -> list[Turn]:
    """The items of a request for a response: messages, calls of tools and their outputs."""
    said = [Turn("system", [instructions])] if (instructions := text_of(body.get("instructions"))) else []
    given = body.get("input")
    if type(given) is str:
        return [*said, Turn("user", [given])]
    for item in objects_of(given):
        if kind_of(item) not in _CALLS:
            said.append(_turn(item))
            continue
        output = item.get("output")
        turn = Turn("tool" if kind_of(item) in _RESULTS else "assistant", [], has_tool=True)
        turn.texts += [text_of(item.get(name)) for name in ("name", "arguments")]
        turn.texts.append(text_of(output))
        _inner(output, turn)
        said.append(turn)
    return said


def _strings(value: object) -> list[str]:
    if type(value) is str:
        return [value]
    return [text for text in value if type(text) is str] if type(value) is list else []
