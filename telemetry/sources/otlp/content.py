"""What was said: prompts, answers, tools' arguments. Kept for projects that ask for it, else never looked at. Pure.

Texts are cut to `records.MAX_TEXT` characters as they are decoded, and a record keeps `MOST` of them in all, below
`content` in its attributes. Names: OTel `gen_ai.*` old and new, OpenInference, OpenLLMetry, AI SDK, the agents' own.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from telemetry.contracts import Call, Execution
from telemetry.sources.otlp.records import Attributes

MOST = 12_000
_NAMES = frozenset(
    (
        *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions"),
        *("gen_ai.prompt", "gen_ai.completion", "input.value", "output.value", "user_prompt", "prompt", "response"),
        *("ai.prompt", "ai.prompt.messages", "ai.response.text", "ai.response.toolCalls", "ai.response.object"),
        *("traceloop.entity.input", "traceloop.entity.output", "tool_parameters", "tool_input", "arguments"),
        *("gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "request_text", "response_text"),
    )
)
_PREFIXES = ("gen_ai.prompt.", "gen_ai.completion.", "llm.input_messages.", "llm.output_messages.", "llm.prompts.")
Kept = TypeVar("Kept", bound=Call | Execution)


def with_content(record: Kept, attributes: Attributes) -> Kept:
    """The record with what was said in it, as far as there is room."""
    content: dict[str, str] = {}
    room = MOST
    for name in sorted(attributes):
        value = attributes[name]
        if isinstance(value, str) and value and (name in _NAMES or name.startswith(_PREFIXES)):
            content[name] = value.replace("\0", "")[:room]
            room -= len(content[name].encode())
            if room <= 0:
                break
    return replace(record, attributes={**(record.attributes or {}), "content": content}) if content else record
