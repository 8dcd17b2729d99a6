"""What a provider's own books say: a look-up answered with JSON, and what one call used, as OpenRouter tells it later.

OpenRouter names each answer in its head already (`X-Generation-Id`) and tells under that name what it charges, a few
seconds after the call has ended, later where it broke off. Source: its API reference, "Get request & usage metadata".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec

from routing.contracts import Limits, Provider, Usage
from routing.providers.failed import Failed
from routing.providers.http import Upstream

NAMED_BY = "X-Generation-Id"  # the header
PAUSES_S = (1.0, 2.0, 4.0, 8.0)  # between questions for what is not in the books yet
_PREFIX = "gen-"
_LIMITS = Limits(connect_s=5, whole_s=15)


async def told(upstream: Upstream, provider: Provider, path: str) -> dict[str, Any]:
    """A JSON object that a provider answers with 200; empty for everything else."""
    try:
        async with await upstream.get(provider, path, limits=_LIMITS) as response:
            body = await response.read()
            found = msgspec.json.decode(body) if response.status == 200 else {}
    except (Failed, msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def is_booked(call_id: str) -> bool:
    """Whether a provider that names an answer so tells later what it used."""
    return call_id.startswith(_PREFIX)


async def used(upstream: Upstream, provider: Provider, call_id: str) -> Usage | None:
    """What a call used and cost; None where that cannot be had, which takes 15 seconds to know."""
    path = "/v1/generation" if provider.family == "anthropic" else "/generation"
    for pause_s in (*PAUSES_S, None):
        entry = (await told(upstream, provider, f"{path}?id={quote(call_id, safe='')}")).get("data")
        if isinstance(entry, dict) or pause_s is None:
            return _usage(entry) if isinstance(entry, dict) else None
        await asyncio.sleep(pause_s)
    return None


def _usage(entry: Mapping[str, Any]) -> Usage | None:
    prompt, output = _count(entry, "native_tokens_prompt"), _count(entry, "native_tokens_completion")
    if prompt is None or output is None:
        return None
    cached = min(_count(entry, "native_tokens_cached") or 0, prompt)
    cost = entry.get("total_cost")
    is_cost = isinstance(cost, int | float) and not isinstance(cost, bool) and 0 <= cost < 10**6
    return Usage(
        input_uncached=prompt - cached,
        cache_read=cached,
        output=output,
        reasoning=_count(entry, "native_tokens_reasoning"),
        cost_usd=Decimal(str(cost)) if is_cost else None,
    )


def _count(entry: Mapping[str, Any], name: str) -> int | None:
    count = entry.get(name)
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None
