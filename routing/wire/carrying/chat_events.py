"""A stream of Anthropic's messages, as chunks of OpenAI's chat. Pure.

Events become chunks as they come; thoughts are `reasoning_content`, as DeepSeek, vLLM and mlx-lm have it. The usage
comes last, in a chunk of its own, where the client asked for it.
"""

from __future__ import annotations

from routing.wire.bodies import Body, as_text, object_of, text_of
from routing.wire.carrying.naming import Naming
from routing.wire.carrying.whole import used_by
from routing.wire.listening import Listener
from routing.wire.usage import as_chat


class ChatEvents:
    """Chunks of one chat. `wants_usage`: the client asked for the chunk that bears it."""

    __slots__ = ("_calls", "_has_begun", "_head", "_naming", "_open_call", "_wants_usage")

    def __init__(self, naming: Naming, *, wants_usage: bool) -> None:
        self._naming = naming
        self._wants_usage = wants_usage
        self._head: Body = {}
        self._has_begun = False
        self._calls = 0
        self._open_call = False  # a call that has no arguments yet

    def event(self, event: Body) -> list[Body]:
        """The chunks of one event."""
        match event.get("type"):
            case "message_start":
                return self._begin(text_of(object_of(event.get("message")).get("id")))
            case "content_block_start":
                return self._block(object_of(event.get("content_block")))
            case "content_block_delta":
                return self._delta(object_of(event.get("delta")))
            case "content_block_stop" if self._open_call:
                return self._arguments("{}")
        return []

    def end(self, heard: Listener) -> list[Body]:
        """The chunks that end the chat."""
        out = self._begin(heard.provider_call_id)
        out.append(self._chunk({}, heard.finish_reason or "stop"))
        if self._wants_usage:
            out.append({**self._head, "choices": [], "usage": as_chat(used_by(heard))})
        return out

    def _begin(self, own: str) -> list[Body]:
        if self._has_begun:
            return []
        self._has_begun = True
        self._head = {
            "id": self._naming.under("chatcmpl", own),
            "object": "chat.completion.chunk",
            "created": self._naming.created,
            "model": self._naming.model,
        }
        return [self._chunk({"role": "assistant", "content": ""})]

    def _chunk(self, delta: Body, finish_reason: str | None = None) -> Body:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**self._head, "choices": [choice]}

    def _block(self, block: Body) -> list[Body]:
        out = self._begin("")
        if block.get("type") == "text" and (text := text_of(block.get("text"))):
            out.append(self._chunk({"content": text}))
        if block.get("type") == "tool_use":
            given = object_of(block.get("input"))
            function = {"name": text_of(block.get("name")), "arguments": as_text(given) if given else ""}
            call = {"index": self._calls, "id": text_of(block.get("id")), "type": "function", "function": function}
            out.append(self._chunk({"tool_calls": [call]}))
            self._calls += 1
            self._open_call = not given
        return out

    def _delta(self, delta: Body) -> list[Body]:
        match delta.get("type"):
            case "text_delta" if text := text_of(delta.get("text")):
                return [*self._begin(""), self._chunk({"content": text})]
            case "thinking_delta" if text := text_of(delta.get("thinking")):
                return [*self._begin(""), self._chunk({"reasoning_content": text})]
            case "input_json_delta" if self._calls and (text := text_of(delta.get("partial_json"))):
                return self._arguments(text)
        return []

    def _arguments(self, text: str) -> list[Body]:
        self._open_call = False
        return [self._chunk({"tool_calls": [{"index": self._calls - 1, "function": {"arguments": text}}]})]
