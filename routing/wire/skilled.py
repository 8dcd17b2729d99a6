"""Skills in a prompt: what the user said, by which they are matched, and a request that has their bodies. Pure.

They stand behind the system prompt, so that what a provider's cache knows of it stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routing.contracts import Protocol
from routing.wire.bodies import Body
from routing.wire.prompts import turns

TAKEN: frozenset[Protocol] = frozenset(
    ("openai.chat", "openai.responses", "anthropic.messages", "anthropic.count_tokens")
)
_SYSTEM = ("system", "developer")
_MOST_CHARACTERS = 4_000  # of one message


def asked(protocol: Protocol, body: Body) -> list[str]:
    """What the user said, message by message, results of tools left out; the beginning of each, and its end where it is
    long."""
    said = [
        "\n".join(turn.texts).strip() for turn in turns(protocol, body) if turn.role == "user" and not turn.has_tool
    ]
    half = _MOST_CHARACTERS // 2
    return [text if len(text) <= _MOST_CHARACTERS else f"{text[:half]}\n{text[-half:]}" for text in said if text]


def ends_with_user(protocol: Protocol, body: Body) -> bool:
    """Whether the latest message is the user's own words, so that a turn begins."""
    said = turns(protocol, body)
    return bool(said) and said[-1].role == "user" and not said[-1].has_tool


def with_skills(protocol: Protocol, body: Body, skills: Sequence[tuple[str, str]]) -> Body:
    """A request whose system prompt ends with skills, each a name and a body. The request itself stays as it is."""
    text = written(skills)
    match protocol:
        case "openai.chat":
            return {**body, "messages": _messages(body.get("messages") or [], text)}
        case "openai.responses":
            return {**body, "instructions": _joined(body.get("instructions"), text)}
        case "anthropic.messages" | "anthropic.count_tokens":
            return {**body, "system": _joined(body.get("system"), text)}
    return body


def written(skills: Sequence[tuple[str, str]]) -> str:
    """Skills as a model reads them."""
    parts = [f'<skill name="{name}">\n{body.strip()}\n</skill>' for name, body in skills]
    return "\n".join(["<skills>", *parts, "</skills>"])


def _messages(messages: Sequence[Any], text: str) -> list[Any]:
    """Messages of a chat, of which the last system message that stands at the beginning has a text more: some models
    take one alone."""
    leading = 0
    while leading < len(messages) and messages[leading].get("role") in _SYSTEM:
        leading += 1
    if not leading:
        return [{"role": "system", "content": text}, *messages]
    last = messages[leading - 1]
    longer = {**last, "content": _joined(last.get("content"), text)}
    return [*messages[: leading - 1], longer, *messages[leading:]]


def _joined(said: object, text: str) -> object:
    """A text, or a list of blocks, with one more."""
    if isinstance(said, list):
        return [*said, {"type": "text", "text": text}]
    return f"{said}\n\n{text}" if isinstance(said, str) and said else text
