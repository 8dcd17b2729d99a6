"""A request in OpenAI's chat, as Anthropic's messages. Pure. Source: openai 3.57 `types/chat/*_param.py`.

System and developer messages become the one system prompt; results of tools become blocks of the user's next turn,
and turns of one role that follow each other are one. Anthropic wants a limit, so an answer without one gets the
tier's, or 8,192 tokens, which each of its models can give.
"""

from __future__ import annotations

import re
from typing import Any

from routing.wire.bodies import Body, count_of, object_of, objects_of, read_object, text_of
from routing.wire.carrying.luggage import CannotCarry, Luggage
from routing.wire.carrying.naming import plain_id
from routing.wire.chat import plain

_CARRIED = frozenset(
    (
        *("model", "messages", "max_tokens", "max_completion_tokens", "stream", "stream_options", "temperature"),
        *("top_p", "stop", "tools", "tool_choice", "parallel_tool_calls", "response_format", "user"),
    )
)
_NEEDED = ("functions", "logprobs", "audio", "web_search_options")
_DEFAULT_LIMIT = 8_192
_LONGEST_USER = 256
_CHOICES = {"auto": "auto", "required": "any", "none": "none"}
_SYSTEM = frozenset(("system", "developer"))
_DATA = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", re.DOTALL)


def messages_of_chat(body: Body, model: str, luggage: Luggage, max_output: int | None) -> Body:
    """The request for a message that asks what this chat asks. Raises CannotCarry."""
    luggage.refuse(body, _NEEDED)
    if body.get("n") not in (None, 1):
        raise CannotCarry("n")
    luggage.drop_rest(body, _CARRIED | {"n"})
    said = objects_of(body.get("messages"))
    turns: list[Body] = []
    for message in said:
        if text_of(message.get("role")) not in _SYSTEM:
            _add(turns, *_turn(message))
    if not turns:
        raise CannotCarry("messages")
    limit = count_of(body.get("max_completion_tokens", body.get("max_tokens")))
    messages: Body = {"model": model, "max_tokens": limit or max_output or _DEFAULT_LIMIT, "messages": turns}
    system = [plain(message.get("content")) for message in said if text_of(message.get("role")) in _SYSTEM]
    if text := "\n\n".join(filter(None, system)):
        messages["system"] = text
    if body.get("stream") is True:
        messages["stream"] = True
    if user := text_of(body.get("user")):
        messages["metadata"] = {"user_id": user[:_LONGEST_USER]}
    _sampling(body, messages, luggage)
    _tools(body, messages)
    _format(object_of(body.get("response_format")), messages)
    return messages


def _turn(message: Body) -> tuple[str, list[Body]]:
    """Whose turn a message is, and its blocks."""
    role, content = message.get("role"), message.get("content")
    if role == "tool":
        result = {
            "type": "tool_result",
            "tool_use_id": plain_id(message.get("tool_call_id")),
            "content": plain(content),
        }
        return "user", [result]
    if role == "user":
        return "user", [block for part in _as_parts(content) if (block := _block(part)) is not None]
    if role != "assistant" or message.get("function_call") or message.get("audio"):
        raise CannotCarry(f"messages.{role}")
    text = plain(content) or text_of(message.get("refusal"))
    blocks: list[Body] = [{"type": "text", "text": text}] if text else []
    for call in objects_of(message.get("tool_calls")):
        if call.get("type") == "custom":
            raise CannotCarry("messages.tool_calls.custom")
        function = object_of(call.get("function"))
        arguments = text_of(function.get("arguments"))
        given = read_object(arguments.encode()) if arguments else {}
        name = text_of(function.get("name"))
        use = {"type": "tool_use", "id": plain_id(call.get("id")), "name": name}
        blocks.append({**use, "input": {"arguments": arguments} if given is None else given})
    return "assistant", blocks


def _add(turns: list[Body], role: str, blocks: list[Body]) -> None:
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"] += blocks
    elif blocks:
        turns.append({"role": role, "content": blocks})


def _as_parts(content: object) -> list[Body]:
    return [{"type": "text", "text": content}] if type(content) is str else objects_of(content)


def _block(part: Body) -> Body | None:
    """A part of content as a block; None for an empty text, which Anthropic refuses."""
    match part.get("type"):
        case "text":
            text = text_of(part.get("text"))
            return {"type": "text", "text": text} if text else None
        case "image_url":
            return {"type": "image", "source": _source(text_of(object_of(part.get("image_url")).get("url")))}
        case "file" if data := _DATA.match(text_of(object_of(part.get("file")).get("file_data"))):
            return {"type": "document", "source": {"type": "base64", "media_type": data[1], "data": data[2]}}
        case kind:
            raise CannotCarry(f"messages.{kind}")


def _source(address: str) -> Body:
    if data := _DATA.match(address):
        return {"type": "base64", "media_type": data[1], "data": data[2]}
    return {"type": "url", "url": address}


def _sampling(body: Body, messages: Body, luggage: Luggage) -> None:
    heat = body.get("temperature")
    if isinstance(heat, int | float):
        messages["temperature"] = min(heat, 1)
        if heat > 1:
            luggage.drop("temperature")
    if body.get("top_p") is not None:
        if "temperature" in messages:  # newer models take one of the two
            luggage.drop("top_p")
        else:
            messages["top_p"] = body["top_p"]
    stops = body.get("stop")
    asked: list[Any] = stops if type(stops) is list else [stops] if stops else []
    kept = [stop for stop in asked if text_of(stop).strip()]  # white space alone is refused
    if kept:
        messages["stop_sequences"] = kept
    if len(kept) < len(asked):
        luggage.drop("stop")


def _tools(body: Body, messages: Body) -> None:
    tools = [_tool(tool) for tool in objects_of(body.get("tools"))]
    if not tools:
        return
    messages["tools"] = tools
    asked = body.get("tool_choice")
    choice: Body = {}
    if type(asked) is str and asked in _CHOICES:
        choice = {"type": _CHOICES[asked]}
    elif name := text_of(object_of(object_of(asked).get("function")).get("name")):
        choice = {"type": "tool", "name": name}
    elif asked is not None:
        raise CannotCarry("tool_choice")
    if body.get("parallel_tool_calls") is False and choice.get("type") != "none":
        choice = {"type": "auto", **choice, "disable_parallel_tool_use": True}
    if choice:
        messages["tool_choice"] = choice


def _tool(tool: Body) -> Body:
    if tool.get("type") != "function":
        raise CannotCarry(f"tools.{tool.get('type')}")
    function = object_of(tool.get("function"))
    schema = object_of(function.get("parameters"))
    made: Body = {"name": function.get("name"), "input_schema": {"type": "object", **schema}}
    for name in ("description", "strict"):
        if function.get(name) is not None:
            made[name] = function[name]
    return made


def _format(asked: Body, messages: Body) -> None:
    if asked.get("type") == "json_schema":
        schema = object_of(object_of(asked.get("json_schema")).get("schema"))
        messages["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    elif asked.get("type") not in (None, "text"):
        raise CannotCarry("response_format")
