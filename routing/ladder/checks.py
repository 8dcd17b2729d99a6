"""What can be seen of an answer without asking another model: is it whole, what was asked for, and does it hold. Pure.

In order of trust (methods.md §3c): how it ended, its form against the schema and the tools of the request, what it
names against what it was told, its own sums. Each check gives a name where it fires.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from json import JSONDecodeError, loads
from typing import Any

from routing.contracts import ToolCall
from routing.ladder.schemas import breach
from routing.wire.prompts import Tool

CHECKS = (
    "cut",
    "empty",
    "refusal",
    "invalid_json",
    "schema",
    "unknown_tool",
    "tool_arguments",
    "unknown_identifier",
    "loop",
    "false_sum",
)
# What makes an answer of no use whatever else it says: it was cut off, or is not what was asked for.
FATAL = frozenset({"cut", "empty", "refusal", "invalid_json", "schema", "unknown_tool", "tool_arguments", "loop"})

_REFUSAL = re.compile(
    r"^\W*(?:i(?:'|\N{RIGHT SINGLE QUOTATION MARK})?m (?:very |really )?sorry,? but|sorry,? (?:but )?i|as an ai\b"
    r"|i (?:can(?:no|')t|can\N{RIGHT SINGLE QUOTATION MARK}t|am (?:not able|unable)|won't) (?:to )?(?:help|assist"
    r"|comply|provide|fulfil|answer|do that|create|generate|continue))",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^\s*```(?:json)?\s*\n(?P<inside>.*?)\n\s*```\s*$", re.DOTALL)
# Names that nobody makes up by writing well: paths, long numbers, UUIDs, ids with digits and separators.
_IDENTIFIER = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|(?<![\w./-])/?[\w.-]+(?:/[\w.-]+)+|\b[A-Za-z]+[-_]\d[\w-]{3,}|\b\d{6,}\b"
)
_MOST_IDENTIFIERS = 100
_SHINGLE = 8  # words that must come again in the same order
_LOOPS_FROM = 4  # times
_LOOP_SHARE = 0.4  # of all words
_MOST_CHARS = 40_000
_MOST_CHECKED = 200_000  # characters of an answer that is held to a schema


def form(
    *,
    text: str,
    tool_calls: Sequence[ToolCall],
    finish_reason: str,
    schema: dict[str, Any] | None,
    tools: Sequence[Tool],
) -> Iterator[str]:
    """The checks of how an answer ended and of its form that fire, by name. `schema` as `wire.prompts.schema_of`."""
    if finish_reason == "length":
        yield "cut"
    if not text.strip() and not tool_calls:
        yield "empty"
        return
    if not tool_calls and len(text) < _MOST_CHARS and _REFUSAL.match(text):
        yield "refusal"
    if schema is not None and not tool_calls:
        yield from _json(text, schema)
    known = {tool.name: tool.schema for tool in tools}
    if any(call.name not in known for call in tool_calls):
        yield "unknown_tool"
    if any(call.name in known and not _keeps_to(call.arguments, known[call.name]) for call in tool_calls):
        yield "tool_arguments"


def repeats_itself(text: str) -> bool:
    """Whether the same words come again and again: a model that fell into a loop."""
    words = text[-_MOST_CHARS:].split()
    if len(words) < _SHINGLE * _LOOPS_FROM:
        return False
    if len(set(words)) >= (1 - _LOOP_SHARE * (1 - 1 / _LOOPS_FROM)) * len(words):  # too many different ones for a loop
        return False
    shingles = Counter(zip(*(words[first:] for first in range(_SHINGLE)), strict=False))
    repeated = sum(times for times in shingles.values() if times >= _LOOPS_FROM)
    return repeated > _LOOP_SHARE * len(words)


def unknown_identifiers(tool_calls: Sequence[ToolCall], prompt: Sequence[str]) -> list[str]:
    """Identifiers in the arguments of tool calls that stand nowhere in what the model was told. A file that is to be
    written has a new name, so it is a signal and no verdict."""
    wanted = [name for call in tool_calls for name in _IDENTIFIER.findall(call.arguments[:_MOST_CHARS])]
    # Of what has slashes only a file is one: a name with a dot.
    wanted = [name for name in wanted if "/" not in name or "." in name.rpartition("/")[2]][:_MOST_IDENTIFIERS]
    return [name for name in wanted if not any(name in text for text in prompt)]


def _json(text: str, schema: dict[str, Any]) -> Iterator[str]:
    fenced = _FENCE.match(text) if len(text) < _MOST_CHARS else None
    try:
        value = loads(fenced["inside"] if fenced else text)
    except (JSONDecodeError, RecursionError):
        yield "invalid_json"
        return
    if not schema and not isinstance(value, dict):
        yield "invalid_json"
    if schema and len(text) <= _MOST_CHECKED and breach(value, schema):
        yield "schema"


def _keeps_to(arguments: str, schema: dict[str, Any]) -> bool:
    try:
        value = loads(arguments or "{}")
    except (JSONDecodeError, RecursionError):
        return False
    return isinstance(value, dict) and (len(arguments) > _MOST_CHECKED or not breach(value, schema))
