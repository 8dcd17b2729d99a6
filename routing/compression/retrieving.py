"""The tool by which a model fetches what was taken out of its prompt: its definition, and its answers. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from routing.compression import blobs
from routing.compression.blobs import Find, Lost
from routing.compression.block import TOOL
from routing.contracts import Protocol
from routing.wire.bodies import Body, as_text, object_of, objects_of, text_of
from routing.wire.prompts import tools_of

_MOST = 8_000  # characters of an answer, so that it is never what has to be taken out next
_LINE = 1_000  # characters of a line that a query finds, from around the word
_ABOUT = "Fetches what was left out: its `ref`, and `query` (words), `lines` (10-40) or `path` (a.b[0]) in it."
_TEXT: Body = {"type": "string"}
_SCHEMA: Body = {
    "type": "object",
    "properties": {"ref": _TEXT, "query": _TEXT, "lines": _TEXT, "path": _TEXT},
    "required": ["ref"],
}
_REF = re.compile(r"[0-9a-f]{16,64}")
_RANGE = re.compile(r"\s*(\d{1,9})\s*(?:[-:]\s*(\d{1,9}))?\s*")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d{1,9})\]")


def definition(protocol: Protocol) -> Body:
    """The tool, in the words of a protocol."""
    if protocol == "openai.chat":
        return {"type": "function", "function": {"name": TOOL, "description": _ABOUT, "parameters": _SCHEMA}}
    return {"name": TOOL, "description": _ABOUT, "input_schema": _SCHEMA}


def offered(protocol: Protocol, body: Body) -> Body:
    """A request that offers the tool, last of all; as it came where it does already."""
    if any(tool.name == TOOL for tool in tools_of(body)):
        return body
    return {**body, "tools": [*objects_of(body.get("tools")), definition(protocol)]}


def answer(arguments: Body, find: Find) -> str:
    """What the tool answers: a part of what was left out, 8,000 characters at most, or in words why not. `find` must
    know of nothing but what the caller may see."""
    ref = text_of(arguments.get("ref")).strip().removeprefix("ref=")
    if not _REF.fullmatch(ref):
        return "`ref` must be a reference as it stands in the text: 16 hexadecimal digits."
    try:
        text = _whole(ref, find)
    except Lost as lost:
        return f"There is nothing under {str(lost)[: blobs.REF]} any more."
    if path := text_of(arguments.get("path")):
        return _bounded(_at(text, path))
    lines = text.splitlines()
    if asked := text_of(arguments.get("lines")):
        return _range(lines, asked)
    if query := text_of(arguments.get("query")):
        return _found(lines, query)
    return _bounded(text)


def _whole(ref: str, find: Find) -> str:
    """The text of a reference: of a result, or of all the messages behind notes, each part on lines of its own."""
    value = msgspec.json.decode(blobs.fetch(find, ref))
    if type(value) is dict and value.keys() == {"before", "steps"}:
        messages = [message for step in blobs.history(find, ref) for message in step]
        return "\n".join(line for message in messages for line in _lines(message))
    if type(value) is dict and "messages" in value:
        return "\n".join(line for message in objects_of(value["messages"]) for line in _lines(message))
    return value if type(value) is str else "\n".join(text_of(part.get("text")) for part in objects_of(value))


def _lines(message: Body) -> Iterable[str]:
    yield f"[{text_of(message.get('role'))}]"
    content = message.get("content")
    if type(content) is str:
        yield content
    for part in objects_of(content):
        inner = part.get("content")
        shown = text_of(part.get("text")) or text_of(part.get("thinking"))
        yield shown or (inner if type(inner) is str else "")
        yield from (text_of(piece.get("text")) for piece in objects_of(inner))
        if part.get("type") == "tool_use":
            yield f"{text_of(part.get('name'))} {as_text(object_of(part.get('input')))}"
    for call in objects_of(message.get("tool_calls")):
        made = object_of(call.get("function"))
        yield f"{text_of(made.get('name'))} {text_of(made.get('arguments'))}"
    if old := object_of(message.get("function_call")):
        yield f"{text_of(old.get('name'))} {text_of(old.get('arguments'))}"


def _range(lines: Sequence[str], asked: str) -> str:
    found = _RANGE.fullmatch(asked)
    if found is None:
        return "`lines` must be a number or a range such as 10-40."
    first = max(1, int(found[1]))
    last = min(len(lines), int(found[2] or found[1]))
    if first > last:
        return f"There are {len(lines)} lines."
    return _bounded("\n".join(lines[first - 1 : last]))


def _found(lines: Sequence[str], query: str) -> str:
    """The lines that hold the words of a query, those that hold most of them first, each with its number."""
    words = list(dict.fromkeys(query.lower().split()))
    scored = []
    for number, line in enumerate(lines, 1):
        low = line.lower()
        hits = sum(word in low for word in words) + len(words) * (query.lower() in low)
        if hits:
            scored.append((-hits, number, line))
    if not scored:
        return f"None of the {len(lines)} lines holds any of these words."
    scored.sort()
    return _bounded("\n".join(f"{number}: {_around(line, words)}" for _, number, line in scored))


def _around(line: str, words: Sequence[str]) -> str:
    if len(line) <= _LINE:
        return line
    low = line.lower()
    at = min((place for word in words if (place := low.find(word)) >= 0), default=0)
    start = max(0, at - _LINE // 4)
    return f"…{line[start : start + _LINE]}…"


def _at(text: str, path: str) -> str:
    """The part of a JSON text at a path."""
    try:
        value: Any = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return "This is no JSON; ask by `lines` or `query`."
    for key, place in _STEP.findall(path.removeprefix("$")):
        if place and type(value) is list and int(place) < len(value):
            value = value[int(place)]
        elif key and type(value) is dict and key in value:
            value = value[key]
        else:
            keys = ", ".join(map(str, list(value)[:40])) if type(value) is dict else ""
            return f"There is no {key or place} there" + (f"; there are {keys}." if keys else ".")
    return value if type(value) is str else msgspec.json.encode(value).decode()


def _bounded(text: str) -> str:
    if len(text) <= _MOST:
        return text
    lines = text.count("\n") + 1
    return f"{text[:_MOST]}\n[{len(text) - _MOST} more characters of {lines} lines; ask by `lines`, `query` or `path`.]"
