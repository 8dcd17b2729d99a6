"""A request for a response of OpenAI's, as a chat. Pure. Source: openai 3.57 `types/responses/*_param.py`.

Most servers know only chats, so a client that speaks only responses (Codex) reaches them so. What OpenAI keeps for the
client (an earlier response, a conversation, a file) cannot be carried; what it would do itself (a search of the web)
is dropped where other tools remain. Custom tools, whose input is free text, become functions of one text.
"""

from __future__ import annotations

from typing import Any

from routing.wire.bodies import Body, as_text, count_of, kind_of, object_of, objects_of, text_of
from routing.wire.carrying.luggage import CannotCarry, Luggage
from routing.wire.carrying.messages_to_chat import put_effort, put_limit

_CARRIED = frozenset(
    (
        *("model", "input", "instructions", "max_output_tokens", "stream", "stream_options", "temperature", "top_p"),
        *("tools", "tool_choice", "parallel_tool_calls", "text", "reasoning", "user"),
    )
)
_NEEDED = ("previous_response_id", "conversation", "prompt", "background")
_TEXTS = frozenset(("input_text", "output_text", "text", "refusal"))
_OUTPUTS = frozenset(("function_call_output", "custom_tool_call_output"))
_FREE_TEXT = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


def chat_of_response(body: Body, model: str, luggage: Luggage) -> Body:
    """The chat that asks what this request for a response asks. Raises CannotCarry."""
    luggage.refuse(body, _NEEDED)
    luggage.drop_rest(body, _CARRIED)
    chat: Body = {"model": model, "messages": _messages(body, luggage)}
    put_limit(chat, count_of(body.get("max_output_tokens")))
    for name in ("temperature", "top_p", "stream", "user"):
        if body.get(name) is not None:
            chat[name] = body[name]
    _tools(body, chat, luggage)
    _format(object_of(object_of(body.get("text")).get("format")), chat)
    put_effort(chat, text_of(object_of(body.get("reasoning")).get("effort")), luggage)
    return chat


def custom_tools(body: Body) -> frozenset[str]:
    """The names of a request's tools whose input is free text."""
    return frozenset(
        text_of(tool.get("name")) for tool in objects_of(body.get("tools")) if tool.get("type") == "custom"
    )


def _messages(body: Body, luggage: Luggage) -> list[Body]:
    messages: list[Body] = []
    if instructions := text_of(body.get("instructions")):
        messages.append({"role": "system", "content": instructions})
    given = body.get("input")
    if type(given) is str:
        return [*messages, {"role": "user", "content": given}]
    images: list[Body] = []  # of results, which have to follow each other
    for item in objects_of(given):
        if kind_of(item) in _OUTPUTS:
            messages.append(_result(item, images))
        else:
            _show(messages, images)
            _item(item, messages, luggage)
    _show(messages, images)
    if not messages:
        raise CannotCarry("input")
    return messages


def _show(messages: list[Body], images: list[Body]) -> None:
    if images:
        messages.append({"role": "user", "content": images.copy()})
        images.clear()


def _result(item: Body, images: list[Body]) -> Body:
    output = item.get("output")
    parts = objects_of(output)
    text = output if type(output) is str else "".join(text_of(part.get("text")) for part in parts)
    images += [_part(part) for part in parts if kind_of(part) not in _TEXTS]
    return {"role": "tool", "tool_call_id": text_of(item.get("call_id")), "content": text}


def _item(item: Body, messages: list[Body], luggage: Luggage) -> None:
    match kind_of(item) or "message":
        case "message":
            role = text_of(item.get("role")) or "user"
            messages.append({"role": role, "content": _content(item.get("content"))})
        case "function_call":
            _called(messages, item, text_of(item.get("arguments")))
        case "custom_tool_call":
            _called(messages, item, as_text({"input": text_of(item.get("input"))}))
        case "reasoning":
            luggage.drop("input.reasoning")
        case other:
            raise CannotCarry(f"input.{other}")


def _called(messages: list[Body], item: Body, arguments: str) -> None:
    """Add the call of a tool to the turn of the assistant, which may have said something before."""
    function = {"name": text_of(item.get("name")), "arguments": arguments}
    call = {"id": text_of(item.get("call_id")), "type": "function", "function": function}
    if messages and messages[-1]["role"] == "assistant":
        messages[-1].setdefault("tool_calls", []).append(call)
    else:
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})


def _content(content: object) -> Any:
    if type(content) is str:
        return content
    parts = [_part(part) for part in objects_of(content)]
    if all(part["type"] == "text" for part in parts):
        return "".join(part["text"] for part in parts)
    return parts


def _part(part: Body) -> Body:
    kind = kind_of(part)
    if kind in _TEXTS:
        return {"type": "text", "text": text_of(part.get("text")) or text_of(part.get("refusal"))}
    if kind == "input_image" and (address := text_of(part.get("image_url"))):
        return {"type": "image_url", "image_url": {"url": address}}
    if kind == "input_file" and (data := text_of(part.get("file_data"))):
        return {"type": "file", "file": {"filename": text_of(part.get("filename")) or "file", "file_data": data}}
    raise CannotCarry(f"input.{kind}")


def _tools(body: Body, chat: Body, luggage: Luggage) -> None:
    offered = objects_of(body.get("tools"))
    tools = [_tool(tool) for tool in offered if tool.get("type") in ("function", "custom")]
    choice = body.get("tool_choice")
    for tool in offered:
        kind = text_of(tool.get("type"))
        if kind in ("function", "custom"):
            continue
        if not tools or object_of(choice).get("type") == kind:
            raise CannotCarry(f"tools.{kind}")
        luggage.drop(f"tools.{kind}")
    if not tools:
        return
    chat["tools"] = tools
    if type(choice) is str:
        chat["tool_choice"] = choice
    elif name := text_of(object_of(choice).get("name")):
        chat["tool_choice"] = {"type": "function", "function": {"name": name}}
    elif choice is not None:
        raise CannotCarry("tool_choice")
    if body.get("parallel_tool_calls") is not None:
        chat["parallel_tool_calls"] = body["parallel_tool_calls"]


def _tool(tool: Body) -> Body:
    is_custom = tool.get("type") == "custom"
    function: Body = {
        "name": tool.get("name"),
        "parameters": _FREE_TEXT if is_custom else object_of(tool.get("parameters")),
    }
    for name in ("description", "strict"):
        if tool.get(name) is not None:
            function[name] = tool[name]
    return {"type": "function", "function": function}


def _format(asked: Body, chat: Body) -> None:
    if asked.get("type") == "json_schema":
        inner = {
            name: asked[name] for name in ("name", "schema", "strict", "description") if asked.get(name) is not None
        }
        chat["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", **inner}}
    elif asked.get("type") == "json_object":
        chat["response_format"] = {"type": "json_object"}
