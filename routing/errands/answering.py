"""An errand by the gateway's own stages, in a worker: the same plan, gate and ledger as a request by HTTP."""

from __future__ import annotations

import asyncio
from json import JSONDecodeError, dumps, loads
from pathlib import Path
from typing import Any

from django.conf import settings

from routing.contracts import Caller, Protocol
from routing.errands import auditing, running
from routing.errands.auditing import Nobody
from routing.errands.running import Done
from routing.errands.shelf import Taken
from routing.gateway import pipeline
from routing.gateway.accounting import input_tokens
from routing.gateway.exchange import Exchange, Refusal
from routing.gateway.resources import Resources
from routing.gateway.shortening import HEADER
from routing.gateway.stages import plan
from routing.wire.reading import BadRequest, read

_PROTOCOL: Protocol = "openai.chat"
_HEADERS = {HEADER: b"off"}  # it has no conversation that could be made shorter, nor a key's holder
# What may be otherwise in a moment: nobody can answer now, or who could failed.
_PASSING = frozenset({429, 499, 500, 502, 503, 504})
_AGAIN_S = 15.0


def answer_due() -> int:
    """Do the errands that are due, and audits after them; how many errands were ended. Raises django.db.Error."""
    return asyncio.run(_answer_due())


async def _answer_due() -> int:
    resources = Resources(Path(settings.DATA_DIR) / "gateway")
    resources.start()
    try:
        count = await running.run(lambda taken: answer(taken, resources))
        await auditing.run(resources)
        await resources.beside()
        return count
    finally:
        await resources.stop()


async def answer(taken: Taken, resources: Resources) -> Done:
    """One errand. What is refused for a reason that may pass is to be tried again."""
    raw = dumps(taken.body).encode()
    exchange = Exchange(protocol=_PROTOCOL, headers=_HEADERS, body=raw, client=Nobody())
    try:
        exchange.request = read(_PROTOCOL, raw)
        exchange.caller = Caller(project_id=taken.project_id, key_id=taken.key_id, **taken.caller)
        await plan.run(exchange, resources)
        await pipeline.answer(exchange, resources)
    except BadRequest as error:
        return Done(error=error.message)
    except Refusal as refusal:
        again_s = max(_AGAIN_S, refusal.retry_after_s or 0) if refusal.status in _PASSING else None
        return Done(error=f"{refusal.status} {refusal.code}: {refusal.message}", again_s=again_s)
    return _done(exchange, resources)


def _done(exchange: Exchange, resources: Resources) -> Done:
    got = exchange.answer
    if got is None:
        return Done(error="No answer came.", again_s=_AGAIN_S)
    found = got.verdict.findings if got.verdict else ()
    if {"invalid_json", "schema"} & set(found):
        return Done(error=f"No tier gave an answer that keeps to the schema; the last one: {got.outcome.text[:1_000]}")
    cost, tier = resources.cost(exchange, got), got.trying.step.tier
    told: dict[str, Any] = {
        "text": got.outcome.text,
        "tier": tier.position,
        "model": tier.model,
        "reason": got.trying.step.reason,
        "attempts": got.trying.number,
        "request_id": exchange.id,
        "finish_reason": got.outcome.finish_reason,
        "input_tokens": input_tokens(got.usage),
        "output_tokens": got.usage.output,
        "cost_nanousd": cost,
    }
    if exchange.request.body.get("response_format"):
        told["output"] = _value(got.outcome.text)
    return Done(told)


def _value(text: str) -> Any:
    try:
        return loads(text)
    except (JSONDecodeError, RecursionError):
        return None
