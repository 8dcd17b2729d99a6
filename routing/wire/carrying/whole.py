"""Whole answers: a chat as a message or a response, and a message as a chat. Pure.

What was heard of the answer is all that is carried: text, thoughts where the client asked for them, calls of tools,
usage and the end. Thoughts of a model that signs none have an empty signature, by which they are known and left behind
when the client sends them back.
"""

from __future__ import annotations

from typing import Any

from routing.contracts import ToolCall, Usage
from routing.wire.bodies import Body, object_of, read_object, text_of
from routing.wire.carrying.naming import Naming, free_input, plain_id, stop_reason
from routing.wire.listening import Listener
from routing.wire.usage import as_chat, as_message, as_response

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
_ECHOED = ("instructions", "metadata", "temperature", "top_p", "max_output_tokens", "text", "reasoning", "user")


def message_of(heard: Listener, naming: Naming, asked: Body) -> Body:
    """A message of Anthropic's that says what was heard."""
    blocks: list[Body] = []
    if heard.thoughts and wants_thoughts(asked):
        blocks.append({"type": "thinking", "thinking": heard.thoughts, "signature": ""})
    if heard.text:
        blocks.append({"type": "text", "text": heard.text})
    for number, call in enumerate(heard.tool_calls):
        used = {"type": "tool_use", "id": plain_id(call_id(call, naming, number)), "name": call.name}
        blocks.append({**used, "input": _input(call)})
    return {
        "id": naming.under("msg", heard.provider_call_id),
        "type": "message",
        "role": "assistant",
        "model": naming.model,
        "content": blocks,
        "stop_reason": stop_reason(heard.finish_reason, has_tools=bool(heard.tool_calls)),
        "stop_sequence": None,
        "usage": as_message(used_by(heard)),
    }


def chat_of(heard: Listener, naming: Naming) -> Body:
    """A chat of OpenAI's that says what was heard."""
    message: Body = {"role": "assistant", "content": heard.text or None, "refusal": None}
    if heard.thoughts:
        message["reasoning_content"] = heard.thoughts
    if heard.tool_calls:
        message["tool_calls"] = [
            {
                "id": call_id(call, naming, number),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments or "{}"},
            }
            for number, call in enumerate(heard.tool_calls)
        ]
    return {
        "id": naming.under("chatcmpl", heard.provider_call_id),
        "object": "chat.completion",
        "created": naming.created,
        "model": naming.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": heard.finish_reason or "stop"}],
        "usage": as_chat(used_by(heard)),
    }


def response_of(heard: Listener, naming: Naming, asked: Body, customs: frozenset[str]) -> Body:
    """A response of OpenAI's that says what was heard. `customs` are the tools whose input is free text."""
    output: list[Body] = []
    if heard.text or not heard.tool_calls:
        output.append(output_message(naming, heard.text, status=ended(heard)))
    output += [output_call(naming, number, call, customs) for number, call in enumerate(heard.tool_calls)]
    return response_body(naming, asked, heard, output)


def response_body(naming: Naming, asked: Body, heard: Listener | None, output: list[Body]) -> Body:
    """A response with this output; of one that goes on where nothing is heard yet."""
    reason = _INCOMPLETE.get(heard.finish_reason) if heard is not None else None
    return {
        **{name: asked.get(name) for name in _ECHOED},
        "id": naming.under("resp", heard.provider_call_id if heard else ""),
        "object": "response",
        "created_at": naming.created,
        "status": "in_progress" if heard is None else ended(heard),
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "model": naming.model,
        "output": output,
        "parallel_tool_calls": asked.get("parallel_tool_calls", True),
        "tool_choice": asked.get("tool_choice", "auto"),
        "tools": asked.get("tools", []),
        "usage": as_response(used_by(heard)) if heard is not None else None,
    }


def ended(heard: Listener) -> str:
    """The status of a response that is over, and of its text."""
    return "incomplete" if heard.finish_reason in _INCOMPLETE else "completed"


def output_message(naming: Naming, text: str, *, status: str = "completed") -> Body:
    """The text of a response, as an item of its output."""
    content = [] if status == "in_progress" else [output_text(text)]
    item = {"type": "message", "id": naming.under("msg"), "role": "assistant"}
    return {**item, "status": status, "content": content}


def output_text(text: str) -> Body:
    """A text, as a part of a message of a response."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def output_call(
    naming: Naming, number: int, call: ToolCall, customs: frozenset[str], *, status: str = "completed"
) -> Body:
    """The call of a tool, as an item of a response's output."""
    place = f"{naming.under('fc')}_{number}"
    item: Body = {"id": place, "call_id": call_id(call, naming, number), "name": call.name, "status": status}
    if call.name in customs:
        return {"type": "custom_tool_call", **item, "input": free_input(call.arguments)}
    return {"type": "function_call", **item, "arguments": call.arguments}


def call_id(call: ToolCall, naming: Naming, number: int) -> str:
    """The id by which a client names the result of a call; of our own where the provider gave none."""
    return call.id or f"{naming.under('call')}_{number}"


def used_by(heard: Listener) -> Usage:
    """What an answer used: as the provider says, else by what came."""
    return heard.usage or Usage(output=heard.counted_output, source="counted")


def wants_thoughts(asked: Body) -> bool:
    """Whether a request for a message asks for thoughts."""
    return text_of(object_of(asked.get("thinking")).get("type")) in ("enabled", "adaptive")


def _input(call: ToolCall) -> dict[str, Any]:
    """A call's arguments as the object that they should be."""
    if not call.arguments:
        return {}
    parsed = read_object(call.arguments.encode())
    return {"arguments": call.arguments} if parsed is None else parsed
