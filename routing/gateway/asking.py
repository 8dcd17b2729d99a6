"""Ask a provider, and hear what it says: whole, or as a stream that the client reads while it comes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from routing.gateway.asides import heard, hiding, whole
from routing.gateway.exchange import Exchange, Outcome, Trying
from routing.gateway.heads import heads
from routing.gateway.noting import Noting, note_name
from routing.gateway.pump import LEFT, Pump
from routing.gateway.resources import Resources
from routing.providers.books import NAMED_BY, is_booked
from routing.providers.failed import Failed
from routing.providers.http import Response
from routing.wire.answers import answer
from routing.wire.asides.shown import Hiding
from routing.wire.refusals import fault_of
from routing.wire.streams import stream

MOST_OF_ERROR = 64 * 2**10  # bytes
_PASSED = (b"anthropic-version", b"anthropic-beta", b"openai-beta", b"http-referer", b"x-title")


async def ask(exchange: Exchange, resources: Resources, trying: Trying) -> Outcome:
    """Make the call. Never raises for what a provider or the client does."""
    task = asyncio.current_task()
    if task is not None and not resources.may_drain(trying.step.tier):
        exchange.client.on_leaving(task.cancel)
    try:
        response = await resources.upstream.open(
            trying.prepared, trying.step.tier, is_streamed=exchange.is_streamed, headers=_passed(exchange, trying)
        )
        async with response:
            return await _heard(exchange, resources, trying, response)
    except Failed as failure:
        return Outcome(fault=failure.fault)
    except asyncio.CancelledError:
        if task is None or not (exchange.client.is_gone or resources.is_stopping):
            raise
        task.uncancel()
        return Outcome(fault=LEFT)
    finally:
        exchange.client.on_leaving(None)


async def _heard(exchange: Exchange, resources: Resources, trying: Trying, response: Response) -> Outcome:
    if response.status != 200:
        family = trying.step.tier.provider.family
        body = await response.read(MOST_OF_ERROR)
        return Outcome(fault=fault_of(family, response.status, response.headers, body, now=datetime.now(UTC)))
    name = response.headers.get(NAMED_BY, "")
    if is_booked(name):
        note_name(resources.journal, trying, name)
    if exchange.is_streamed:
        return await _streamed(exchange, resources, trying, response, name)
    return _whole(exchange, trying, await response.read())


def _passed(exchange: Exchange, trying: Trying) -> dict[str, str]:
    """The client's headers that go along where the provider speaks as the client does: which betas it wants."""
    if trying.prepared.protocol != exchange.protocol:
        return {}
    told = ((name, exchange.headers.get(name)) for name in _PASSED)
    return {name.decode(): value.decode("latin-1") for name, value in told if value}


def _whole(exchange: Exchange, trying: Trying, body: bytes) -> Outcome:
    naming = {"model_name": trying.step.tier.model, "answer_id": trying.id}
    said = answer(exchange.request, trying.prepared, 200, body, **naming, created=_seconds(trying))
    return Outcome(
        body=said.body if said.fault else whole(exchange, said.body),
        usage=said.usage,
        came=said.counted_output,
        ttft_s=None,
        finish_reason=said.finish_reason,
        text=said.text,
        tool_calls=said.tool_calls,
        provider_call_id=said.provider_call_id,
        fault=said.fault,
    )


async def _streamed(exchange: Exchange, resources: Resources, trying: Trying, response: Response, name: str) -> Outcome:
    """Relay a stream. What comes before the first token is held back: until then nothing was sent."""
    tier = trying.step.tier
    relay = stream(
        exchange.request, trying.prepared, model_name=tier.model, answer_id=trying.id, created=_seconds(trying)
    )
    noting = Noting(resources.journal, trying, relay, name=name)
    pump = Pump(response, relay, is_held=exchange.is_held, heard=noting)
    hidden = hiding(exchange)
    with resources.leaving(exchange.client, tier, pump):
        body = await _relayed(exchange, trying, pump, hidden)
    if hidden is not None:
        heard(exchange, hidden)
    if relay.malformed:
        exchange.tape = None  # a piece of it is missing
    first = pump.first_token_at
    return Outcome(
        body=body,
        usage=relay.usage,
        input_usage=relay.input_usage,
        came=relay.counted_output,
        ttft_s=None if first is None else first - trying.began,
        finish_reason=relay.finish_reason,
        text=relay.text,
        tool_calls=relay.tool_calls,
        provider_call_id=relay.provider_call_id,
        fault=pump.fault,
    )


async def _relayed(exchange: Exchange, trying: Trying, pump: Pump, hidden: Hiding | None) -> bytes:
    """Give the client what comes, and return what was held back."""
    held: list[bytes] = []
    relay, told = pump.relay, heads(exchange, trying)  # while nothing has come yet
    while (piece := await pump.next()) is not None:
        if hidden is not None:
            piece = hidden.feed(piece)
        has_begun = relay.saw_first_token if hidden is None else hidden.is_visible
        is_over = relay.is_finished and not (hidden and hidden.goes_on)
        if exchange.is_held or not (exchange.sent_bytes > exchange.settled_bytes or has_begun or is_over):
            held.append(piece)
            continue
        piece = b"".join((*held, piece))
        held.clear()
        if piece and not exchange.sent_bytes:
            await exchange.client.open(told)
        if piece:
            exchange.sent(piece)
            await exchange.client.write(piece)
    return b"".join(held)


def _seconds(trying: Trying) -> int:
    return int(trying.started_at.timestamp())
