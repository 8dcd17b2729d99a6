"""A request in Anthropic's messages, as OpenAI's chat. Pure. Source: anthropic 2.14 `types/*_param.py`.

The results of tools become messages of their own, right after the calls that they answer; images in a result follow
in a message of the user, for a result is text in OpenAI's chat. Thoughts of earlier turns are signed by who had them
and stay behind. The system block by which Claude Code is billed changes with each request and would spoil every
prompt cache (claude-code #68900, llama.cpp #20623): it stays behind too.
"""

from __future__ import annotations

import re
from typing import Any

from routing.wire.bodies import Body, as_text, count_of, object_of, objects_of, text_of
from routing.wire.carrying.luggage import CannotCarry, Luggage
from routing.wire.prompts import BILLING

_CARRIED = frozenset(
    (
        *("model", "messages", "system", "max_tokens", "stream", "temperature", "top_p", "stop_sequences"),
        *("tools", "tool_choice", "output_config", "thinking"),
    )
)
_NEEDED = ("mcp_servers", "container")
_MOST_STOPS = 4
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_LITTLE, _MUCH = 4_096, 16_384  # tokens of thought that a low and a medium effort may take
# OpenAI's own models: the newer ones refuse `max_tokens`, the older ones an effort. Everybody else takes both.
_REASONING = re.compile(r"(?:openai/)?(?:o\d|gpt-[5-9])")
_PLAIN = re.compile(r"(?:openai/)?gpt-[34]")


def chat_of_messages(body: Body, model: str, luggage: Luggage) -> Body:
    """The chat that asks what this request for a message asks. Raises CannotCarry."""
    luggage.refuse(body, _NEEDED)
    luggage.drop_rest(body, _CARRIED)
    messages = _system(body.get("system"), luggage)
    for message in objects_of(body.get("messages")):
        messages += _assistant(message, luggage) if message.get("role") == "assistant" else _user(message, luggage)
    chat: Body = {"model": model, "messages": messages}
    put_limit(chat, count_of(body.get("max_tokens")))
    for name in ("temperature", "top_p", "stream"):
        if body.get(name) is not None:
            chat[name] = body[name]
    _stops(body.get("stop_sequences"), chat, luggage)
    _tools(body, chat, luggage)
    _format_and_effort(body, chat, luggage)
    return chat


def _system(system: object, luggage: Luggage) -> list[Body]:
    blocks = objects_of(system)
    texts = [system] if type(system) is str else [text_of(block.get("text")) for block in blocks]
    said = [text for text in texts if text and not text.startswith(BILLING)]
    if any(block.get("cache_control") for block in blocks):
        luggage.drop("cache_control")
    return [{"role": "system", "content": "\n\n".join(said)}] if said else []


def _assistant(message: Body, luggage: Luggage) -> list[Body]:
    content = message.get("content")
    if type(content) is str:
        return [{"role": "assistant", "content": content}]
    texts, calls = [], []
    for block in objects_of(content):
        match block.get("type"):
            case "text":
                texts.append(text_of(block.get("text")))
            case "tool_use":
                function = {"name": text_of(block.get("name")), "arguments": as_text(object_of(block.get("input")))}
                calls.append({"id": text_of(block.get("id")), "type": "function", "function": function})
            case "thinking" | "redacted_thinking":
                luggage.drop("thinking")
            case other:
                raise CannotCarry(f"messages.{other}")
    said: Body = {"role": "assistant", "content": "".join(texts) or (None if calls else "")}
    if calls:
        said["tool_calls"] = calls
    return [said]


def _user(message: Body, luggage: Luggage) -> list[Body]:
    role, content = text_of(message.get("role")), message.get("content")
    if type(content) is str:
        return [{"role": role, "content": content}]
    results: list[Body] = []
    parts: list[Body] = []
    for block in objects_of(content):
        if block.get("cache_control"):
            luggage.drop("cache_control")
        if block.get("type") == "tool_result":
            results.append(_result(block, parts, luggage))
        else:
            parts += _parts(block)
    return [*results, {"role": role, "content": _content(parts)}] if parts or not results else results


def _result(block: Body, parts: list[Body], luggage: Luggage) -> Body:
    """A tool's result; images of it are put among the parts of the user's message."""
    if block.get("is_error"):
        luggage.drop("tool_result.is_error")
    content = block.get("content")
    texts = [content] if type(content) is str else []
    for inner in objects_of(content):
        for part in _parts(inner):
            if part["type"] == "text":
                texts.append(part["text"])
            else:
                parts.append(part)
    return {"role": "tool", "tool_call_id": text_of(block.get("tool_use_id")), "content": "\n".join(texts)}


def _parts(block: Body) -> list[Body]:
    """A block of content as parts of OpenAI's."""
    source = object_of(block.get("source"))
    match block.get("type"), source.get("type"):
        case "text", _:
            return [{"type": "text", "text": text_of(block.get("text"))}]
        case "image", "base64":
            address = f"data:{text_of(source.get('media_type'))};base64,{text_of(source.get('data'))}"
            return [{"type": "image_url", "image_url": {"url": address}}]
        case "image", "url":
            return [{"type": "image_url", "image_url": {"url": text_of(source.get("url"))}}]
        case "document", "text":
            return [{"type": "text", "text": text_of(source.get("data"))}]
        case kind, _:
            raise CannotCarry(f"messages.{kind}")


def _content(parts: list[Body]) -> Any:
    """Parts as content: one text as a text, which every server takes."""
    if len(parts) == 1 and parts[0]["type"] == "text":
        return parts[0]["text"]
    return parts or ""


def _stops(stops: object, chat: Body, luggage: Luggage) -> None:
    if type(stops) is list and stops:
        chat["stop"] = stops[:_MOST_STOPS]
        if len(stops) > _MOST_STOPS:
            luggage.drop("stop_sequences")


def _tools(body: Body, chat: Body, luggage: Luggage) -> None:
    offered = objects_of(body.get("tools"))
    tools = [_tool(tool) for tool in offered if tool.get("type") in (None, "custom")]
    choice = object_of(body.get("tool_choice"))
    hosted = [tool for tool in offered if tool.get("type") not in (None, "custom")]
    for tool in hosted:  # what Anthropic itself would do: one among others can be missed
        if not tools or choice.get("name") == tool.get("name"):
            raise CannotCarry(f"tools.{tool.get('type')}")
        luggage.drop(f"tools.{tool.get('type')}")
    if any(tool.get("cache_control") for tool in offered):
        luggage.drop("cache_control")
    if not tools:
        return
    chat["tools"] = tools
    if choice.get("type") == "tool":
        chat["tool_choice"] = {"type": "function", "function": {"name": choice.get("name")}}
    elif (word := _CHOICES.get(text_of(choice.get("type")))) is not None:
        chat["tool_choice"] = word
    if choice.get("disable_parallel_tool_use") is True:
        chat["parallel_tool_calls"] = False


def _tool(tool: Body) -> Body:
    function: Body = {"name": tool.get("name"), "parameters": object_of(tool.get("input_schema"))}
    for name in ("description", "strict"):
        if tool.get(name) is not None:
            function[name] = tool[name]
    return {"type": "function", "function": function}


def _format_and_effort(body: Body, chat: Body, luggage: Luggage) -> None:
    config, thinking = object_of(body.get("output_config")), object_of(body.get("thinking"))
    if schema := object_of(object_of(config.get("format")).get("schema")):
        chat["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": True},
        }
    effort = text_of(config.get("effort"))
    if (budget := count_of(thinking.get("budget_tokens"))) is not None and not effort:
        effort = "low" if budget <= _LITTLE else "medium" if budget <= _MUCH else "high"
    put_effort(chat, effort, luggage)


def put_limit(chat: Body, limit: int | None) -> None:
    """The most tokens of an answer, under the name that the chat's model takes."""
    if limit is not None:
        chat["max_completion_tokens" if _REASONING.match(chat["model"]) else "max_tokens"] = limit


def put_effort(chat: Body, effort: str, luggage: Luggage) -> None:
    """How much the model should think, in the words of a chat; dropped for models that refuse to be told."""
    if effort and _PLAIN.match(chat["model"]):
        luggage.drop("reasoning")
    elif effort:
        chat["reasoning_effort"] = "high" if effort in ("xhigh", "max") else effort
