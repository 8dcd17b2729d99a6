"""Rounds of an answer, in which the model fetches what was left out of its prompt: the client sees none of that."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from routing.compression.block import TOOL
from routing.gateway.exchange import Answer, Asides, Exchange, Shortened
from routing.wire.asides.shown import Hiding, Shown
from routing.wire.asides.taking import hiding as hiding_of
from routing.wire.asides.taking import results_of, taken
from routing.wire.bodies import Body, objects_of, written

MOST_ROUNDS = 4  # that fetch something; after them the answer is what it is
_LAST = "\n[That was the last that can be fetched for this answer.]"


def hiding(exchange: Exchange) -> Hiding | None:
    """Who takes our calls out of a stream that is to come; None where there are none."""
    asides = _begun(exchange)
    if asides is None:
        return None
    return hiding_of(exchange.protocol, TOOL, asides.shown, may_go_on=_may_go_on(exchange, asides))


def heard(exchange: Exchange, hidden: Hiding) -> None:
    """A stream is over."""
    if exchange.asides is not None:
        exchange.asides.said = hidden.said()


def whole(exchange: Exchange, body: bytes) -> bytes:
    """A whole answer without our calls."""
    asides = _begun(exchange)
    if asides is None:
        return body
    body, asides.said = taken(exchange.protocol, TOOL, body, asides.shown, may_go_on=_may_go_on(exchange, asides))
    return body


def go_on(exchange: Exchange, asides: Asides, shortened: Shortened, answer: Answer, texts: Sequence[str]) -> None:
    """Have the same tier asked again, with what its model fetched."""
    said = asides.said
    if said is None:
        return
    asides.rounds += 1
    if asides.rounds == MOST_ROUNDS:
        texts = [text + _LAST for text in texts]
    if exchange.is_streamed and exchange.is_held:
        asides.begun += answer.outcome.body if said.shown.is_begun else b""
    asides.shown, exchange.settled_bytes = said.shown, exchange.sent_bytes
    results = results_of(exchange.protocol, said.ours, texts)
    asides.fetched += [said.aside, *results]
    exchange.shortened = _longer(shortened, [said.message, *results])
    exchange.answer = None
    exchange.step = replace(answer.trying.step, reason="it fetched what was left out of its prompt")


def end(exchange: Exchange, asides: Asides, answer: Answer, texts: Sequence[str]) -> None:
    """The client has its answer, or will have. What the model fetched beside calls of the client's it is told with the
    client's next request."""
    said = asides.said
    if said is None:
        return
    if said.ours:
        asides.fetched += [said.aside, *results_of(exchange.protocol, said.ours, texts)]
    calls = tuple(call for call in answer.outcome.tool_calls if call.name != TOOL)
    outcome = replace(answer.outcome, tool_calls=calls, body=asides.begun + answer.outcome.body)
    exchange.answer = replace(answer, outcome=outcome)


def _begun(exchange: Exchange) -> Asides | None:
    """The rounds so far; none of them where another answer is to be bettered, of which nothing is shown."""
    asides = exchange.asides
    if asides is not None and exchange.answer is not None:
        asides.shown, asides.begun = Shown(), b""
    return asides


def _may_go_on(exchange: Exchange, asides: Asides) -> bool:
    """Whether what is fetched can be told: a bounded number of times, and not where the client began the answer."""
    messages = objects_of(exchange.request.body.get("messages"))
    is_begun = bool(messages) and messages[-1].get("role") == "assistant"
    return asides.rounds < MOST_ROUNDS and not is_begun


def _longer(shortened: Shortened, messages: Sequence[Body]) -> Shortened:
    body = shortened.request.body
    request = replace(shortened.request, body={**body, "messages": [*body["messages"], *messages]})
    added = sum(len(written(message)) + 1 for message in messages)
    return replace(shortened, request=request, size=shortened.size + added)
