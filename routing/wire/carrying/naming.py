"""How a carried answer names itself, and why it ended, in the words of each protocol. Pure."""

from __future__ import annotations

import re

from msgspec import Struct

from routing.wire.bodies import read_object, text_of
from routing.wire.messages import FINISH_REASONS

# OpenAI's words for why an answer ends, in Anthropic's.
STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")


class Naming(Struct, frozen=True, kw_only=True):
    """What a client is told that the answer is: the model's name, an id without its prefix, and a moment in seconds."""

    model: str
    id: str = ""
    created: int = 0

    def under(self, prefix: str, own: str = "") -> str:
        """The id of an answer, or of a part of it. `own` is the provider's, for where we have none."""
        return f"{prefix}_{self.id or own.removeprefix(prefix).strip('-_') or 'tloi'}"


def plain_id(said: object) -> str:
    """The id of a call with the signs that Anthropic takes: some models name theirs `functions.look:0`."""
    return _NOT_IN_IDS.sub("_", text_of(said)) or "call"


def stop_reason(finish_reason: str, *, has_tools: bool) -> str:
    """Anthropic's stop reason. Some servers say `stop` of an answer that calls tools."""
    if has_tools and finish_reason == "stop":
        return "tool_use"
    return STOP_REASONS.get(finish_reason, finish_reason or "end_turn")


def finish_reason(said: str) -> str:
    """OpenAI's finish reason of a stop reason of Anthropic's."""
    return FINISH_REASONS.get(said, "stop")


def free_input(arguments: str) -> str:
    """The free text of a custom tool, out of the arguments of the function that stood for it."""
    parsed = read_object(arguments.encode())
    return text_of(parsed.get("input")) if parsed is not None and "input" in parsed else arguments
