"""One answer of a model, as each protocol says it: whole, or as the events of a stream."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What a model answers: pieces of text and thought, and calls of tools as (id, name, pieces of arguments)."""

    pieces: tuple[str, ...] = ("Hel", "lo ", "wörld 😀")
    thoughts: tuple[str, ...] = ()
    calls: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    finish: str = "stop"
    prompt: int = 40
    cached: int = 30
    output: int = 7
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


def chat_stream(answer: Answer) -> bytes:
    """The stream of a chat, its calls' pieces mixed as they may be."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": thought} for thought in answer.thoughts]
    deltas += [{"content": piece} for piece in answer.pieces]
    for place, (call_id, name, _) in enumerate(answer.calls):
        function = {"name": name, "arguments": ""}
        deltas.append({"tool_calls": [{"index": place, "id": call_id, "type": "function", "function": function}]})
    for turn in range(max((len(pieces) for _, _, pieces in answer.calls), default=0)):
        for place, (_, _, pieces) in enumerate(answer.calls):
            if turn < len(pieces):
                deltas.append({"tool_calls": [{"index": place, "function": {"arguments": pieces[turn]}}]})
    head = {"id": "chatcmpl-7", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    events = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    events.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": answer.finish}]})
    events.append({**head, "choices": [], "usage": _chat_usage(answer)})
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"


def chat_body(answer: Answer) -> bytes:
    """The whole chat."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if answer.thoughts:
        message["reasoning_content"] = "".join(answer.thoughts)
    if answer.calls:
        message["tool_calls"] = [
            {"id": call_id, "type": "function", "function": {"name": name, "arguments": "".join(pieces)}}
            for call_id, name, pieces in answer.calls
        ]
    head = {"id": "chatcmpl-7", "object": "chat.completion", "created": 1, "model": "m"}
    choice = {"index": 0, "message": message, "finish_reason": answer.finish}
    return json.dumps({**head, "choices": [choice], "usage": _chat_usage(answer), **answer.extra}).encode()


def message_stream(answer: Answer) -> bytes:
    """The stream of a message."""
    usage = {
        "input_tokens": answer.prompt - answer.cached,
        "cache_read_input_tokens": answer.cached,
        "output_tokens": 1,
    }
    message = {"id": "msg_7", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {**message, "stop_reason": None}}]
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if answer.thoughts:
        deltas = [{"type": "thinking_delta", "thinking": thought} for thought in answer.thoughts]
        blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, deltas))
    if answer.pieces:
        blocks.append(
            ({"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in answer.pieces])
        )
    for call_id, name, pieces in answer.calls:
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces)]
        blocks.append(({"type": "tool_use", "id": call_id, "name": name, "input": {}}, deltas))
    for index, (block, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events += [{"type": "content_block_stop", "index": index}, {"type": "ping"}]
    delta = {"stop_reason": STOP_REASONS[answer.finish], "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": answer.output}})
    events.append({"type": "message_stop"})
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def message_body(answer: Answer) -> bytes:
    """The whole message."""
    content: list[dict[str, Any]] = []
    if answer.thoughts:
        content.append({"type": "thinking", "thinking": "".join(answer.thoughts), "signature": "s"})
    if answer.text:
        content.append({"type": "text", "text": answer.text})
    for call_id, name, pieces in answer.calls:
        content.append({"type": "tool_use", "id": call_id, "name": name, "input": json.loads("".join(pieces) or "{}")})
    usage = {
        "input_tokens": answer.prompt - answer.cached,
        "cache_read_input_tokens": answer.cached,
        "output_tokens": answer.output,
    }
    head = {"id": "msg_7", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None}
    stop = STOP_REASONS[answer.finish]
    return json.dumps({**head, "content": content, "stop_reason": stop, "usage": usage, **answer.extra}).encode()


def _chat_usage(answer: Answer) -> dict[str, Any]:
    details = {"cached_tokens": answer.cached}
    return {"prompt_tokens": answer.prompt, "completion_tokens": answer.output, "prompt_tokens_details": details}
