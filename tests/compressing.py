"""An agent that works through a gateway in either protocol, by the protocol's own client library: it does as it is told
by a scripted provider, reads files that say much, and sends all of its conversation each time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anthropic
import openai

from routing import roster
from routing.compression.block import TOOL
from routing.contracts import Protocol
from routing.gateway import rosters
from routing.gateway.resources import Resources
from routing.models import CompressionRule
from tests.conversations import answered, called, printed, said
from tests.misbehaving import Asked, Manner, Misbehaving
from tests.provider_answers import Body

SYSTEM = "You are careful."
READ_FILE = {"type": "object", "properties": {"path": {"type": "string"}}}
TOOLS: dict[Protocol, list[Any]] = {
    "openai.chat": [{"type": "function", "function": {"name": "read_file", "parameters": READ_FILE}}],
    "anthropic.messages": [{"name": "read_file", "input_schema": READ_FILE}],
}


@contextmanager
def rule(*gateways: Resources, **fields: Any) -> Iterator[CompressionRule]:
    """Inside, prompts of a project are made shorter, and gateways know it."""
    made = CompressionRule.objects.create(**{"mode": "on", **fields})
    read_anew(*gateways)
    try:
        yield made
    finally:
        made.delete()
        read_anew(*gateways)


def read_anew(*gateways: Resources) -> None:
    """Have gateways of this process know what was changed."""
    roster.forget()
    for one in gateways:
        one.rosters._known = None
        one.rosters._read_at = time.monotonic() - rosters.FRESH_S


@dataclass
class Got:
    """What the agent was answered."""

    text: str
    calls: list[tuple[str, str, dict[str, Any]]]  # id, name, arguments
    message: Body
    headers: Any
    finish: str


@dataclass
class Agent:
    """One conversation."""

    address: str
    key: str
    protocol: Protocol = "openai.chat"
    is_streamed: bool = False
    session: str = "s"
    headers: dict[str, str] = field(default_factory=dict)
    messages: list[Any] = field(default_factory=lambda: [said("user", "Find out why it fails. Do not touch a.py.")])
    tools: list[Any] | None = None
    max_output: int | None = None

    def ask(self) -> Got:
        """Send the conversation, and add the answer to it."""
        got = self._chat() if self.protocol == "openai.chat" else self._message()
        self.messages.append(got.message)
        return got

    def gives(self, results: list[tuple[str, str]], words: str = "") -> None:
        """Add what tools gave."""
        self.messages += answered(self.protocol, results, words)

    def reads(self, number: int, lines: int) -> None:
        """Add a call of a tool and its long result, as if the model had made it."""
        self.messages += [
            called(self.protocol, f"I read file {number}.", [(f"c{number}", f"src/f{number}.py")]),
            *answered(self.protocol, [(f"c{number}", printed(number, lines))]),
        ]

    def says(self, words: str) -> None:
        """Add words of the user's."""
        self.messages.append(said("user", words))

    def _given(self) -> dict[str, Any]:
        headers = {"x-tloi-session": self.session, **self.headers}
        tools = TOOLS[self.protocol] if self.tools is None else self.tools
        given = {"model": "auto", "extra_headers": headers, **({"tools": tools} if tools else {})}
        return {**given, **({"max_tokens": self.max_output} if self.max_output else {})}

    def _chat(self) -> Got:
        messages = [said("system", SYSTEM), *self.messages]
        with openai.OpenAI(base_url=f"{self.address}/v1", api_key=self.key, max_retries=0) as client:
            if self.is_streamed:
                with client.chat.completions.with_streaming_response.create(
                    messages=messages, stream=True, **self._given()
                ) as raw:
                    answer, headers = _joined(client, raw), raw.headers
            else:
                whole = client.chat.completions.with_raw_response.create(messages=messages, **self._given())
                answer, headers = whole.parse(), whole.headers
        (choice,) = answer.choices
        message = choice.message.model_dump(exclude_none=True)
        calls = [
            (call.id, call.function.name, json.loads(call.function.arguments))
            for call in choice.message.tool_calls or ()
        ]
        kept = {name: message[name] for name in ("role", "content", "tool_calls") if message.get(name)}
        for call in kept.get("tool_calls", ()):
            call.pop("index", None)
        return Got(choice.message.content or "", calls, kept, headers, choice.finish_reason)

    def _message(self) -> Got:
        given: dict[str, Any] = {"messages": self.messages, "system": SYSTEM, "max_tokens": 1_000, **self._given()}
        with anthropic.Anthropic(base_url=self.address, api_key=self.key, max_retries=0) as client:
            if self.is_streamed:
                with client.messages.stream(**given) as stream:
                    answer, headers = stream.get_final_message(), stream.response.headers
            else:
                whole = client.messages.with_raw_response.create(**given)
                answer, headers = whole.parse(), whole.headers
        blocks = [block.model_dump(exclude_none=True) for block in answer.content]
        for block in blocks:
            block.pop("parsed_output", None)
            block.pop("caller", None)
        texts = [block["text"] for block in blocks if block["type"] == "text"]
        calls = [(block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
        return Got("".join(texts), calls, {"role": "assistant", "content": blocks}, headers, str(answer.stop_reason))


def _joined(client: openai.OpenAI, raw: Any) -> Any:
    """A stream, put together as the library does."""
    from openai.lib.streaming.chat import ChatCompletionStreamState  # noqa: PLC0415 (of streams only)

    state: Any = ChatCompletionStreamState()
    for chunk in raw.parse():
        state.handle_chunk(chunk)
    return state.get_final_completion()


def refs_in(asked: Asked) -> list[str]:
    """The references that a provider was sent."""
    text = json.dumps(asked.body)
    pieces = text.split("[tloi ref=")[1:] + text.split('(ref=\\"')[1:]
    return list(dict.fromkeys(piece[:16] for piece in pieces))


def fetches(ref: str, *, says: str = "", beside: tuple[tuple[str, str], ...] = (), **part: str) -> Manner:
    """The model asks for a part of what was left out."""
    return Manner(tool=(TOOL, json.dumps({"ref": ref, **part})), more_tools=beside, says=says)


def messages_of(asked: Asked) -> list[Any]:
    """What a provider was sent, without the system's word."""
    return [message for message in asked.body["messages"] if message["role"] != "system"]


def is_prefix(one: Misbehaving, first: int, second: int) -> bool:
    """Whether a provider's request begins, byte for byte, as an earlier one was."""
    before, after = (messages_of(one.calls[at]) for at in (first, second))
    return json.dumps(after[: len(before)]) == json.dumps(before) and len(after) > len(before)
