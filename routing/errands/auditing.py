"""Audits, done by a worker: a higher tier is asked what a lower one was, and both answers are compared.

It is the only evidence that is chosen by lot, so it says what the gate lets pass wrongly. Nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from json import dumps
from typing import cast

from msgspec.structs import replace

from routing.contracts import Caller, Protocol, Step
from routing.gateway import pipeline
from routing.gateway.exchange import Exchange, Refusal
from routing.gateway.resources import Resources
from routing.gateway.stages import plan
from routing.ladder import audits
from routing.ladder.audits import Audited
from routing.ladder.calibrating import know_outcomes
from routing.ladder.quality import agree
from routing.wire.reading import BadRequest, read

_MOST = 20  # that one turn of a worker does
_REASON = "audit"


class Nobody:
    """The client of a worker's request: it waits, reads no stream, and never leaves."""

    is_gone = False

    async def open(self, headers: Mapping[str, str]) -> None:
        """It asks for no stream."""

    async def write(self, piece: bytes) -> None:
        """It asks for no stream."""

    def leave(self) -> None:
        """It never does."""

    def on_leaving(self, call: Callable[[], object] | None) -> None:
        """It never does."""


async def run(resources: Resources) -> int:
    """Do some audits, while their day's budget lasts; how many. Raises django.db.Error."""
    for count in range(_MOST):
        audited = await resources.threads.run(lambda: audits.take(now=datetime.now(UTC)))
        if audited is None:
            return count
        await _compare(audited, resources)
    return _MOST


async def _compare(audited: Audited, resources: Resources) -> None:
    body = {name: value for name, value in audited.body.items() if name not in ("stream", "stream_options")}
    raw = dumps({**body, "model": f"tier:{audited.position}"}).encode()
    protocol = cast(Protocol, audited.protocol)
    exchange = Exchange(protocol=protocol, headers={}, body=raw, client=Nobody())
    try:
        exchange.request = read(protocol, raw)
        exchange.caller = Caller(**audited.caller)
        await plan.run(exchange, resources)
        steps = tuple(Step(step.tier, _REASON) for step in exchange.plan.steps)
        exchange.plan, exchange.step = replace(exchange.plan, steps=steps), steps[0]
        await pipeline.answer(exchange, resources)
    except (BadRequest, Refusal):
        return  # a tier that is away now is no evidence
    got = exchange.answer
    if got is None:
        return
    cost = resources.cost(exchange, got) or 0
    agreement = agree(audited.text, got.outcome.text)
    is_well = got.verdict is None or got.verdict.passed
    said = [{"id": audited.id, "is_good": agreement > 0, "would_help": agreement < 0 and is_well, "known_by": "audit"}]

    def keep() -> None:
        audits.note(cost_nanousd=cost, now=datetime.now(UTC))
        if agreement:
            know_outcomes(audited.project_id, said)

    await resources.threads.run(keep)
