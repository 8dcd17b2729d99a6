"""The messages of a request as steps: a model's calls of tools and all their results, which never part. Pure.

A prompt may be cut only between two steps. Providers answer 400 for ever once a result has lost its call.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from routing.contracts import Protocol
from routing.wire.bodies import Body, as_text, kind_of, lines_of, object_of, objects_of, text_of

SYSTEM = frozenset(("system", "developer"))
_RESULTS = frozenset(("tool", "function"))
_CALLS = frozenset(("tool_calls", "function_call"))
Running = blake2b


class Called(Struct, frozen=True):
    """A tool that was called. `arguments` is JSON, if the model wrote well."""

    id: str
    name: str
    arguments: str


class Result(Struct, frozen=True):
    """What a tool gave. `place` says where in its message it stands, `text` is None where it is more than text."""

    id: str
    text: str | None
    place: int
    is_error: bool = False


class Message(Struct, frozen=True):
    """One message, whichever protocol it is in: what was said, without thoughts; what was called; what came of it."""

    role: str
    text: str
    calls: tuple[Called, ...] = ()
    results: tuple[Result, ...] = ()
    pictures: int = 0

    @property
    def is_words(self) -> bool:
        """Whether it is the user's own words and nothing else."""
        return self.role == "user" and not self.results

    @property
    def is_pinned(self) -> bool:
        """Whether no words can stand for it: it is the system's, or the user shows a picture."""
        return self.role in SYSTEM or (self.is_words and self.pictures > 0)


def read(protocol: Protocol, message: Body) -> Message:
    """What a message of a chat, or of Anthropic's messages, says."""
    if protocol == "openai.chat":
        return _of_chat(message)
    texts, calls, results, pictures = [], [], [], 0
    content = message.get("content")
    if type(content) is str:
        return Message(text_of(message.get("role")), content)
    for place, block in enumerate(content if type(content) is list else []):
        match kind_of(block) if type(block) is dict else "":
            case "text":
                texts.append(text_of(block.get("text")))
            case "tool_use":
                arguments = as_text(object_of(block.get("input")))
                calls.append(Called(text_of(block.get("id")), text_of(block.get("name")), arguments))
            case "tool_result":
                is_error = block.get("is_error") is True
                results.append(Result(text_of(block.get("tool_use_id")), _plain(block.get("content")), place, is_error))
            case "image" | "document":
                pictures += 1
    return Message(text_of(message.get("role")), "\n".join(texts), tuple(calls), tuple(results), pictures)


def _of_chat(message: Body) -> Message:
    role, content = text_of(message.get("role")), message.get("content")
    if type(content) is str and role not in _RESULTS and not _CALLS & message.keys():  # as most are
        return Message(role, content)
    parts = objects_of(content)
    if role in _RESULTS:
        named = text_of(message.get("tool_call_id")) or text_of(message.get("name"))
        return Message(role, "", results=(Result(named, _plain(content), 0),))
    calls = [
        Called(text_of(call.get("id")), text_of(made.get("name")), text_of(made.get("arguments")))
        for call in objects_of(message.get("tool_calls"))
        for made in (object_of(call.get("function")),)
    ]
    if old := object_of(message.get("function_call")):
        calls.append(Called(text_of(old.get("name")), text_of(old.get("name")), text_of(old.get("arguments"))))
    text = content if type(content) is str else "\n".join(text_of(part.get("text")) for part in parts)
    pictures = sum(kind_of(part) not in ("text", "refusal") for part in parts)
    return Message(role, text, tuple(calls), pictures=pictures)


def _plain(content: object) -> str | None:
    """Content that is text alone; None where something else is in it."""
    if type(content) is str:
        return content
    parts = content if type(content) is list else []
    if all(type(part) is dict and part.get("type") == "text" and type(part.get("text")) is str for part in parts):
        return "\n".join(part["text"] for part in parts)
    return None


def content_of(message: Body, place: int) -> Any:
    """The content of a result, as it came."""
    content = message.get("content")
    return content[place].get("content") if message.get("role") not in _RESULTS and type(content) is list else content


def with_content(message: Body, place: int, content: Any) -> Body:
    """A message of which one result has another content."""
    if message.get("role") in _RESULTS or type(message.get("content")) is not list:
        return {**message, "content": content}
    blocks = list(message["content"])
    blocks[place] = {**blocks[place], "content": content}
    return {**message, "content": blocks}


def as_content(text: str, before: object) -> Any:
    """A text in the form that a content had, with its cache breakpoint."""
    if type(before) is not list:
        return text
    marks = [part["cache_control"] for part in objects_of(before) if "cache_control" in part]
    return [{"type": "text", "text": text} | ({"cache_control": marks[-1]} if marks else {})]


def unmarked(message: Body) -> Body:
    """A message without cache breakpoints, which clients move from one request to the next."""
    content = message.get("content")
    if type(content) is not list or not any(map(_is_marked, objects_of(content))):
        return message
    return {**message, "content": [_unmarked(block) for block in content]}


def _is_marked(block: Body) -> bool:
    return "cache_control" in block or any("cache_control" in inner for inner in objects_of(block.get("content")))


def _unmarked(block: Any) -> Any:
    if type(block) is not dict or not _is_marked(block):
        return block
    kept = {name: value for name, value in block.items() if name != "cache_control"}
    if type(inner := block.get("content")) is list:
        kept["content"] = [_unmarked(part) for part in inner]
    return kept


def fingerprint(messages: Sequence[Body]) -> str:
    """A hash of messages that tells whether they are the same to a model: cache breakpoints, and whether one text
    stands alone or in a list, are not in it."""
    return running(messages).hexdigest()


def running(messages: Sequence[Body], before: Running | None = None) -> Running:
    """The hash of messages, of which `hexdigest` is the fingerprint: it can be gone on with. Where it goes on from what
    stands `before` them, it is that of all."""
    made = blake2b(digest_size=32) if before is None else before.copy()
    made.update(lines_of(map(_plainly, messages)))
    return made


def fingerprints(messages: Sequence[Body], places: Collection[int]) -> dict[int, str]:
    """The fingerprints of the first messages, up to each of some places that there are."""
    made, found, start = running(()), {}, 0
    for place in sorted(places):
        made = running(messages[start:place], made)
        found[place] = made.hexdigest()
        start = place
    return found


def _plainly(message: Body) -> Body:
    """A message without what makes no difference to a model."""
    if type(message.get("content")) is str:
        return message
    plain = unmarked(message)
    content = plain.get("content")
    if type(content) is list and len(content) == 1 and object_of(content[0]).keys() == {"type", "text"}:
        return {**plain, "content": content[0]["text"]}
    return plain


def boundaries(said: Sequence[Message]) -> list[int]:
    """Between which messages may be cut: the places, from 0 to the number of messages, that part no call from a
    result. An id that is used again means its latest call."""
    taken: set[int] = set()
    called: dict[str, int] = {}
    for number, message in enumerate(said):
        if message.results:
            first = min(called.get(result.id, number) for result in message.results)
            taken.update(range(first + 1, number + 1))
        for call in message.calls:
            called[call.id] = number
    return [place for place in range(len(said) + 1) if place not in taken]


def unpaired(said: Sequence[Message]) -> tuple[list[str], list[str]]:
    """The ids of results without a call before them, and of calls without a result after them."""
    waiting: dict[str, int] = {}
    orphans = []
    answered: set[str] = set()
    for message in said:
        for result in message.results:
            if waiting.pop(result.id, None) is None and result.id not in answered:
                orphans.append(result.id)
            answered.add(result.id)
        for call in message.calls:
            waiting[call.id] = 1
            answered.discard(call.id)
    return orphans, list(waiting)
