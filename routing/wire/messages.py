"""What an answer of Anthropic's messages says. Pure. Source: anthropic 2.14 `types/raw_*_event.py`; formats.md §5.

The usage of `message_start` has the input, and an output that is a placeholder; that of `message_delta` is cumulative
and replaces what it names. So there is no usage before a `message_delta`.
"""

from __future__ import annotations

from msgspec.structs import replace

from routing.contracts import Family, Usage
from routing.wire.bodies import Body, as_text, kind_of, object_of, objects_of, place_of, text_of
from routing.wire.listening import Listener
from routing.wire.refusals import fault_in
from routing.wire.usage import of_anthropic

_FAMILY: Family = "anthropic"
# Anthropic's words for why an answer ends, in OpenAI's.
FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_TOOLS = frozenset(("tool_use", "server_tool_use", "mcp_tool_use"))


class MessageListener(Listener):
    """Hears a message. `input_usage` is what `message_start` said, for a stream that broke before it said more."""

    __slots__ = ("_said", "input_usage")

    def __init__(self) -> None:
        super().__init__()
        self._said: Body = {}
        self.input_usage: Usage | None = None

    def event(self, event: Body) -> None:
        match event.get("type"):
            case "content_block_delta":
                self._delta(place_of(event.get("index")), object_of(event.get("delta")))
            case "content_block_start":
                self._block(place_of(event.get("index")), object_of(event.get("content_block")))
            case "message_start":
                message = object_of(event.get("message"))
                self.provider_call_id = text_of(message.get("id"))
                self._said = object_of(message.get("usage"))
                if (begun := of_anthropic(self._said)) is not None:
                    self.input_usage = replace(begun, output=0, reasoning=None)
            case "message_delta":
                self._end(object_of(event.get("delta")), object_of(event.get("usage")))
            case "message_stop":
                self.is_over = True
            case "error":
                self.fault = fault_in(_FAMILY, event)

    def body(self, body: Body) -> bool:
        if body.get("type") == "error" or body.get("error"):
            self.fault = fault_in(_FAMILY, body)
            return True
        if type(body.get("content")) is not list:
            return False
        self.provider_call_id = text_of(body.get("id"))
        for index, block in enumerate(objects_of(body.get("content"))):
            self._block(index, block)
        self._end(body, object_of(body.get("usage")))
        self.is_whole = self.is_over = True
        return True

    def _block(self, index: int, block: Body) -> None:
        kind = kind_of(block)
        if kind == "text":
            if text := text_of(block.get("text")):
                self.says(text)
        elif kind == "thinking":
            if text := text_of(block.get("thinking")):
                self.thinks(text)
        elif kind in _TOOLS:
            given = object_of(block.get("input"))  # empty where it comes in pieces
            arguments = as_text(given) if given else ""
            self.calls(index, id=block.get("id"), name=block.get("name"), arguments=arguments)

    def _delta(self, index: int, delta: Body) -> None:
        match delta.get("type"):
            case "text_delta":
                if text := text_of(delta.get("text")):
                    self.says(text)
            case "input_json_delta":
                self.calls(index, arguments=delta.get("partial_json"))
            case "thinking_delta":
                if text := text_of(delta.get("thinking")):
                    self.thinks(text)

    def _end(self, delta: Body, usage: Body) -> None:
        self._said = {**self._said, **{name: value for name, value in usage.items() if value is not None}}
        if "output_tokens" in usage:
            self.usage = of_anthropic(self._said)
        if reason := text_of(delta.get("stop_reason")):
            self.finish_reason = FINISH_REASONS.get(reason, reason)
            self.is_whole = True


class CountListener(Listener):
    """Hears a count of tokens, which uses none."""

    __slots__ = ()

    def body(self, body: Body) -> bool:
        if body.get("error"):
            self.fault = fault_in(_FAMILY, body)
            return True
        self.is_whole = self.is_over = "input_tokens" in body
        self.finish_reason = "stop" if self.is_whole else ""
        return self.is_whole
