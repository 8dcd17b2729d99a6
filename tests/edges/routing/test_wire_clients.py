"""The client libraries of OpenAI and Anthropic, unchanged, understand what is carried to them: answers, streams, tools
and errors, whichever protocol the provider spoke."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anthropic
import openai
import pytest
from aiohttp import web

from routing.contracts import Family, Protocol
from routing.wire.answers import answer
from routing.wire.errors import error_body, error_event
from routing.wire.reading import Request, read
from routing.wire.sending import Prepared, prepare
from routing.wire.streams import stream
from tests.serving import served
from tests.spoken import Answer, chat_body, chat_stream, message_body, message_stream

FAMILIES: list[Family] = ["openai", "anthropic"]
PATHS: dict[str, Protocol] = {
    "/v1/chat/completions": "openai.chat",
    "/v1/responses": "openai.responses",
    "/v1/messages": "anthropic.messages",
}
CALLING = Answer(pieces=("I ", "look."), calls=(("call_1", "look", ('{"at":', " 1}")),), finish="tool_calls")
SCHEMA: dict[str, object] = {"type": "object", "properties": {"at": {"type": "integer"}}}
PIECE = 37  # bytes, so that events and characters are cut


@dataclass
class Provider:
    """What answers, in which family's protocol; `cut`: its stream breaks after so many bytes; `status`: it refuses."""

    family: Family
    answer: Answer = field(default_factory=Answer)
    cut: int | None = None
    status: int = 200
    address: str = ""
    prepared: list[Prepared] = field(default_factory=list)

    async def serve(self, http: web.Request) -> web.StreamResponse:
        protocol = PATHS[http.path]
        if self.status != 200:
            body = error_body(protocol, self.status, "some_code", "It will not.")
            return web.Response(status=self.status, body=body, content_type="application/json")
        request = read(protocol, await http.read())
        prepared = prepare(request, family=self.family, model="real")
        self.prepared.append(prepared)
        if request.features.is_streamed:
            return await self._stream(http, request, prepared)
        sent = chat_body(self.answer) if prepared.protocol == "openai.chat" else message_body(self.answer)
        found = answer(request, prepared, 200, sent, model_name="tier:1", answer_id="one", created=5)
        return web.Response(body=found.body, content_type="application/json")

    async def _stream(self, http: web.Request, request: Request, prepared: Prepared) -> web.StreamResponse:
        sent = chat_stream(self.answer) if prepared.protocol == "openai.chat" else message_stream(self.answer)
        relay = stream(request, prepared, model_name="tier:1", answer_id="one", created=5)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(http)
        for place in range(0, self.cut or len(sent), PIECE):
            await response.write(relay.feed(sent[place : place + PIECE]))
        await response.write(relay.close())
        if not relay.is_finished:
            await response.write(error_event(request.protocol, "cut", "The provider's stream broke."))
        return response


@contextmanager
def serving(provider: Provider) -> Iterator[Provider]:
    """The provider behind HTTP, in a thread of its own."""
    app = web.Application()
    app.router.add_post("/{path:.*}", provider.serve)
    with served(app) as port:
        provider.address = f"http://127.0.0.1:{port}"
        yield provider


@pytest.fixture
def provide() -> Iterator[Callable[..., Provider]]:
    """Start a provider of a family; all are stopped at the end."""
    started = []

    def start(family: Family, **manner: object) -> Provider:
        one = serving(Provider(family, **manner))  # type: ignore[arg-type]
        started.append(one)
        return one.__enter__()

    yield start
    for one in started:
        one.__exit__(None, None, None)


def openai_of(provider: Provider) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{provider.address}/v1", api_key="key", max_retries=0)


def anthropic_of(provider: Provider) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=provider.address, api_key="key", max_retries=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_openais_library_reads_a_chat(provide: Callable[..., Provider], family: Family) -> None:
    provider = provide(family, answer=CALLING)
    with openai_of(provider) as client:
        chat = client.chat.completions.create(
            model="auto",
            messages=[{"role": "user", "content": "hello"}],
            tools=[{"type": "function", "function": {"name": "look", "parameters": SCHEMA}}],
        )
        with client.chat.completions.stream(
            model="auto", messages=[{"role": "user", "content": "hello"}], stream_options={"include_usage": True}
        ) as streamed:
            streamed.until_done()
            final = streamed.get_final_completion()
    for one in (chat, final):
        choice = one.choices[0]
        assert (choice.message.content, choice.finish_reason) == ("I look.", "tool_calls")
        assert choice.message.tool_calls is not None
        (call,) = choice.message.tool_calls
        assert call.type == "function"
        assert (call.id, call.function.name, json.loads(call.function.arguments)) == ("call_1", "look", {"at": 1})
        assert one.usage is not None
        assert one.usage.prompt_tokens_details is not None
        assert (one.usage.prompt_tokens, one.usage.completion_tokens) == (40, 7)
        assert one.usage.prompt_tokens_details.cached_tokens == 30


@pytest.mark.parametrize("family", FAMILIES)
def test_anthropics_library_reads_a_message(provide: Callable[..., Provider], family: Family) -> None:
    provider = provide(family, answer=CALLING)
    with anthropic_of(provider) as client:
        message = client.messages.create(
            model="auto",
            max_tokens=100,
            messages=[{"role": "user", "content": "hello"}],
            tools=[{"name": "look", "input_schema": SCHEMA}],
        )
        with client.messages.stream(
            model="auto", max_tokens=100, messages=[{"role": "user", "content": "hello"}]
        ) as streamed:
            pieces = list(streamed.text_stream)
            final = streamed.get_final_message()
    assert "".join(pieces) == "I look."
    for one in (message, final):
        text, use = one.content
        assert text.type == "text"
        assert use.type == "tool_use"
        assert (text.text, use.id, use.name, use.input) == ("I look.", "call_1", "look", {"at": 1})
        assert one.stop_reason == "tool_use"
        assert (one.usage.input_tokens, one.usage.cache_read_input_tokens, one.usage.output_tokens) == (10, 30, 7)


@pytest.mark.parametrize("family", FAMILIES)
def test_openais_library_reads_a_response(provide: Callable[..., Provider], family: Family) -> None:
    provider = provide(family, answer=CALLING)
    with openai_of(provider) as client:
        response = client.responses.create(model="auto", input="hello", instructions="Be brief.")
        with client.responses.stream(model="auto", input="hello") as streamed:
            deltas = [event.delta for event in streamed if event.type == "response.output_text.delta"]
            final = streamed.get_final_response()
    assert "".join(deltas) == "I look."
    for one in (response, final):
        assert one.output_text == "I look."
        call = one.output[1]
        assert call.type == "function_call"
        assert (call.call_id, call.name, call.status) == ("call_1", "look", "completed")
        assert one.usage is not None
        assert (one.usage.input_tokens, one.usage.input_tokens_details.cached_tokens) == (40, 30)
        assert one.usage.output_tokens == 7


@pytest.mark.parametrize("family", FAMILIES)
def test_a_stream_that_breaks_raises_in_each_library(provide: Callable[..., Provider], family: Family) -> None:
    provider = provide(family, cut=500)
    with openai_of(provider) as client:
        with pytest.raises(openai.APIError, match="stream broke"):
            list(client.chat.completions.create(model="a", messages=[{"role": "user", "content": "x"}], stream=True))
        with pytest.raises(openai.APIError, match="stream broke"):
            list(client.responses.create(model="a", input="x", stream=True))
    with (
        anthropic_of(provider) as client_,
        pytest.raises(anthropic.APIStatusError, match="stream broke"),
        client_.messages.stream(model="a", max_tokens=9, messages=[{"role": "user", "content": "x"}]) as streamed,
    ):
        streamed.until_done()


@pytest.mark.parametrize(
    ("status", "of_openai", "of_anthropic", "kind"),
    [
        (400, openai.BadRequestError, anthropic.BadRequestError, "invalid_request_error"),
        (401, openai.AuthenticationError, anthropic.AuthenticationError, "authentication_error"),
        (404, openai.NotFoundError, anthropic.NotFoundError, "not_found_error"),
        (429, openai.RateLimitError, anthropic.RateLimitError, "rate_limit_error"),
        (503, openai.InternalServerError, anthropic.ServiceUnavailableError, "api_error"),
    ],
)
def test_an_error_raises_what_each_library_has_for_it(
    provide: Callable[..., Provider],
    status: int,
    of_openai: type[openai.APIStatusError],
    of_anthropic: type[anthropic.APIStatusError],
    kind: str,
) -> None:
    provider = provide("openai", status=status)
    with openai_of(provider) as client, pytest.raises(of_openai, match="It will not") as raised:
        client.chat.completions.create(model="a", messages=[{"role": "user", "content": "x"}])
    assert raised.value.code == "some_code"
    with anthropic_of(provider) as client_, pytest.raises(of_anthropic, match="It will not") as raised_:
        client_.messages.create(model="a", max_tokens=9, messages=[{"role": "user", "content": "x"}])
    assert (raised_.value.type, raised_.value.error_code, raised_.value.api_message) == (
        kind,
        "some_code",
        "It will not.",
    )
