"""What a provider says: whole answers, streams and errors, in the protocols of OpenAI and Anthropic. Only data."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Body = dict[str, Any]
STARTED = 1_764_300_000


@dataclass(frozen=True, kw_only=True)
class Said:
    """An answer before it has a form. `pieces` are what a stream gives one by one, each one token of output."""

    protocol: str  # chat, completions, responses, embeddings, messages
    model: str
    name: str = ""  # of the answer; empty: any
    prompt_tokens: int
    pieces: tuple[str, ...]
    cached_tokens: int = 0
    tool: tuple[str, str] | None = None  # name and arguments, in place of text
    more_tools: tuple[tuple[str, str], ...] = ()
    says: str = ""  # before it calls a tool
    finish: str = "stop"  # stop, length, tool_calls, content_filter
    cost_usd: Decimal | None = None

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces)


def prompt_tokens(body: Body) -> int:
    """How many tokens this provider counts a request as: a quarter of its letters, tools and system with them."""
    counted = {name: body[name] for name in ("messages", "system", "prompt", "input", "tools") if body.get(name)}
    return max(1, len(json.dumps(counted, ensure_ascii=False)) // 4)


def usage(said: Said, output: int) -> Body:
    """What was used, as the protocol has it: OpenAI's input holds what was cached, Anthropic's does not."""
    if said.protocol == "messages":
        return {
            "input_tokens": said.prompt_tokens - said.cached_tokens,
            "cache_read_input_tokens": said.cached_tokens,
            "cache_creation_input_tokens": 0,
            "output_tokens": output,
        }
    if said.protocol == "responses":
        return {
            "input_tokens": said.prompt_tokens,
            "input_tokens_details": {"cached_tokens": said.cached_tokens},
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": said.prompt_tokens + output,
        }
    found: Body = {
        "prompt_tokens": said.prompt_tokens,
        "completion_tokens": output,
        "total_tokens": said.prompt_tokens + output,
        "prompt_tokens_details": {"cached_tokens": said.cached_tokens},
    }
    return found if said.cost_usd is None else found | {"cost": float(said.cost_usd)}


def whole(said: Said) -> Body:
    """The answer to a request that was not to be streamed."""
    return {"chat": _chat, "completions": _completion, "responses": _response, "messages": _message}[said.protocol](
        said, said.name or f"{said.protocol}-{uuid.uuid4().hex}"
    )


def embedding(said: Said, texts: int) -> Body:
    """Vectors that nobody looks at."""
    data = [{"object": "embedding", "index": number, "embedding": [0.1, 0.2, 0.3]} for number in range(texts)]
    used = {"prompt_tokens": said.prompt_tokens, "total_tokens": said.prompt_tokens}
    return {"object": "list", "data": data, "model": said.model, "usage": used}


def events(said: Said, *, with_usage: bool) -> Iterator[tuple[bytes, int]]:
    """A stream, event by event, each with how many tokens it brings (0 or 1). `with_usage` matters to OpenAI's chat and
    completions only; the others always say it."""
    name = said.name or f"{said.protocol}-{uuid.uuid4().hex}"
    if said.protocol == "messages":
        yield from _message_events(said, name)
    elif said.protocol == "responses":
        yield from _response_events(said, name)
    else:
        yield from _chunks(said, name, with_usage=with_usage)


def error(family: str, status: int, *, code: str, message: str) -> Body:
    """An error as the family has it."""
    if family == "anthropic":
        kinds = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error"}
        kinds |= {429: "rate_limit_error", 529: "overloaded_error"}
        return {"type": "error", "error": {"type": kinds.get(status, "api_error"), "message": message}}
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


def _chat(said: Said, name: str) -> Body:
    message: Body = {"role": "assistant", "content": said.text if said.tool is None else said.says or None}
    if said.tool is not None:
        message["tool_calls"] = [_tool(tool, place) for place, tool in enumerate((said.tool, *said.more_tools), 1)]
    choice = {"index": 0, "message": message, "finish_reason": _finish(said)}
    return _openai(said, name, "chat.completion") | {"choices": [choice], "usage": usage(said, len(said.pieces))}


def _completion(said: Said, name: str) -> Body:
    choice = {"index": 0, "text": said.text, "finish_reason": said.finish, "logprobs": None}
    return _openai(said, name, "text_completion") | {"choices": [choice], "usage": usage(said, len(said.pieces))}


def _response(said: Said, name: str, *, status: str = "completed") -> Body:
    content = [{"type": "output_text", "text": said.text, "annotations": []}]
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content}
    return {
        "id": name,
        "object": "response",
        "created_at": STARTED,
        "status": status,
        "model": said.model,
        "output": [item] if status == "completed" else [],
        "usage": usage(said, len(said.pieces)) if status == "completed" else None,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


def _message(said: Said, name: str) -> Body:
    content: list[Body] = [{"type": "text", "text": said.text}]
    if said.tool is not None:
        content = [{"type": "text", "text": said.says}] if said.says else []
        content += [_tool_use(tool, place) for place, tool in enumerate((said.tool, *said.more_tools), 1)]
    return {
        "id": name,
        "type": "message",
        "role": "assistant",
        "model": said.model,
        "content": content,
        "stop_reason": _stop_reason(said),
        "stop_sequence": None,
        "usage": usage(said, len(said.pieces)),
    }


def _chunks(said: Said, name: str, *, with_usage: bool) -> Iterator[tuple[bytes, int]]:
    is_chat = said.protocol == "chat"
    head = _openai(said, name, "chat.completion.chunk" if is_chat else "text_completion")
    if is_chat:
        yield _data(head | {"choices": [_delta({"role": "assistant", "content": ""})]}), 0
    if said.says:
        yield _data(head | {"choices": [_delta({"content": said.says})]}), 1
    if said.tool is not None:
        yield _data(head | {"choices": [_delta({"tool_calls": [{"index": 0, **_tool((said.tool[0], ""), 1)}]})]}), 0
    for piece in said.pieces:
        if not is_chat:
            choice: Body = {"index": 0, "text": piece, "finish_reason": None}
        elif said.tool is not None:
            choice = _delta({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        else:
            choice = _delta({"content": piece})
        yield _data(head | {"choices": [choice]}), 1
    for place, tool in enumerate(said.more_tools, 1):
        yield _data(head | {"choices": [_delta({"tool_calls": [{"index": place, **_tool(tool, place + 1)}]})]}), 1
    last: Body = {"index": 0, "delta": {}} if is_chat else {"index": 0, "text": ""}
    last["finish_reason"] = _finish(said)
    yield _data(head | {"choices": [last]}), 0
    if with_usage:
        yield _data(head | {"choices": [], "usage": usage(said, len(said.pieces))}), 0
    yield b"data: [DONE]\n\n", 0


def _message_events(said: Said, name: str) -> Iterator[tuple[bytes, int]]:
    begun = _message(said, name) | {"content": [], "stop_reason": None, "usage": usage(said, 1)}
    yield _event({"type": "message_start", "message": begun}), 0
    blocks: list[tuple[Body, list[Body]]] = []
    if said.tool is None or said.says:
        pieces = said.pieces if said.tool is None else (said.says,)
        blocks.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces]))
    if said.tool is not None:
        pieces_of = [said.pieces, *((arguments,) for _, arguments in said.more_tools)]
        for place, (tool, pieces) in enumerate(zip((said.tool, *said.more_tools), pieces_of, strict=True), 1):
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
            blocks.append((_tool_use((tool[0], "{}"), place), deltas))
    for index, (block, deltas) in enumerate(blocks):
        yield _event({"type": "content_block_start", "index": index, "content_block": block}), 0
        for delta in deltas:
            yield _event({"type": "content_block_delta", "index": index, "delta": delta}), 1
        yield _event({"type": "content_block_stop", "index": index}), 0
    end: Body = {"stop_reason": _stop_reason(said), "stop_sequence": None}
    yield _event({"type": "message_delta", "delta": end, "usage": {"output_tokens": len(said.pieces)}}), 0
    yield _event({"type": "message_stop"}), 0


def _response_events(said: Said, name: str) -> Iterator[tuple[bytes, int]]:
    begun = _response(said, name, status="in_progress")
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    yield _event({"type": "response.created", "response": begun, "sequence_number": 0}), 0
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    yield _event({"type": "response.output_item.added", "output_index": 0, "item": item, "sequence_number": 1}), 0
    for number, piece in enumerate(said.pieces, 2):
        told = {"type": "response.output_text.delta", "delta": piece, "sequence_number": number, "logprobs": []}
        yield _event(told | place), 1
    number = len(said.pieces) + 2
    yield _event({"type": "response.output_text.done", "text": said.text, "sequence_number": number} | place), 0
    yield _event({"type": "response.completed", "response": _response(said, name), "sequence_number": number + 1}), 0


def _openai(said: Said, name: str, kind: str) -> Body:
    return {"id": name, "object": kind, "created": STARTED, "model": said.model}


def _delta(delta: Body) -> Body:
    return {"index": 0, "delta": delta, "finish_reason": None}


def _tool(tool: tuple[str, str], place: int) -> Body:
    return {"id": f"call_{place}", "type": "function", "function": {"name": tool[0], "arguments": tool[1]}}


def _tool_use(tool: tuple[str, str], place: int) -> Body:
    return {"type": "tool_use", "id": f"toolu_{place}", "name": tool[0], "input": json.loads(tool[1])}


def _finish(said: Said) -> str:
    return "tool_calls" if said.tool is not None else said.finish


def _stop_reason(said: Said) -> str:
    return {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}[
        _finish(said)
    ]


def _data(body: Body) -> bytes:
    return f"data: {json.dumps(body)}\n\n".encode()


def _event(body: Body) -> bytes:
    return f"event: {body['type']}\ndata: {json.dumps(body)}\n\n".encode()
