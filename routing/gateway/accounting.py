"""What an attempt is in the ledger: the call that it was, or would have been. Pure.

A call's id is ours, for it must be known before the provider says anything; the provider's own is another name of it,
so that the same call, told by an agent's transcript or spans too, is counted once.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from routing.contracts import Attempt, Caller, Compressed, Tier, Usage
from telemetry.contracts import MAX_TOKENS, Call, Quality

SOURCE = "gateway"
_NANO = 10**9
_LONGEST = 200
# An answer that came and that the gate refused, or that the caller did not wait for, is no failure of the model's.
_NO_ERRORS = frozenset({"gate", "cancelled"})
_SOURCES: dict[str, tuple[Quality, ...]] = {"counted": ("usage_counted",), "reserved": ("usage_reserved",)}


def call_of(attempt: Attempt, caller: Caller, *, names: tuple[str, ...] = ()) -> Call:
    """The call that an attempt was. `names` are ids that the provider gave to it. What is longer than the ledger takes
    is cut; nothing else is changed."""
    usage, fault = attempt.usage, attempt.fault
    reported, kind = _cost(attempt)
    return Call(
        started_at=attempt.started_at,
        model=label(attempt.model) or "unknown",
        id=attempt.id,
        aliases=names,
        provider=label(attempt.provider),
        input_uncached=tokens(usage.input_uncached),
        cache_read=tokens(usage.cache_read),
        cache_write_5m=tokens(usage.cache_write_5m),
        cache_write_1h=tokens(usage.cache_write_1h),
        cache_write_unknown=tokens(usage.cache_write_unknown),
        output=tokens(usage.output),
        reasoning=None if usage.reasoning is None else tokens(usage.reasoning),
        cost_usd=reported,
        cost_kind="provider" if kind else "client_estimate",
        duration_ms=_milliseconds(attempt.duration_s),
        ttft_ms=None if attempt.ttft_s is None else _milliseconds(attempt.ttft_s),
        agent=caller.agent,
        session_id=caller.session,
        session_type=caller.session_type,
        execution_id=caller.execution,
        task_type=caller.task_type,
        objective=caller.objective,
        tier=label(attempt.tier),
        error_type=fault.kind if fault is not None and fault.kind not in _NO_ERRORS else "",
        quality=_quality(usage),
        attributes=_attributes(attempt),
    )


def cost_nanousd(tier: Tier, usage: Usage) -> int | None:
    """What usage of a tier costs by the tier's own prices; 0 for a free one, None where the price book must say. Input
    that a cache served is priced as input, for a tier has no other price of it."""
    if tier.is_free:
        return 0
    if tier.input_nanousd is None or tier.output_nanousd is None:
        return None
    return input_tokens(usage) * tier.input_nanousd + usage.output * tier.output_nanousd


def input_tokens(usage: Usage) -> int:
    """All input, cached or not."""
    cached = usage.cache_read + usage.cache_write_5m + usage.cache_write_1h + usage.cache_write_unknown
    return usage.input_uncached + cached


def counted(told: Usage | None, *, prompt: int, came: int) -> Usage:
    """What an attempt used by what came: output as it was counted, input as the provider `told` it before it answered,
    else as the `prompt` was estimated."""
    if told is None:
        return Usage(input_uncached=prompt, output=came, source="counted")
    return replace(told, output=came, cost_usd=None, source="counted")


def label(text: str) -> str:
    """A text as the ledger takes it: no NUL, nothing that is no character, at most 200 of them."""
    return text[:_LONGEST].replace("\0", "").encode("utf-8", "replace").decode().strip()


def _cost(attempt: Attempt) -> tuple[Decimal | None, bool]:
    """What an attempt cost in dollars, and whether the provider said so."""
    if attempt.usage.cost_usd is not None:
        return attempt.usage.cost_usd, True
    if attempt.cost_nanousd is not None:
        return Decimal(attempt.cost_nanousd) / _NANO, False
    return None, False


def _quality(usage: Usage) -> tuple[Quality, ...]:
    marks = _SOURCES.get(usage.source, ())
    return (*marks, "ttl_unknown") if usage.cache_write_unknown else marks


def _attributes(attempt: Attempt) -> dict[str, Any]:
    """What has no column: which attempt of which request it was, and why it was made."""
    told: dict[str, Any] = {
        "request_id": attempt.request_id,
        "attempt": attempt.number,
        "position": attempt.position,
        "reason": label(attempt.reason),
        "is_final": attempt.is_final,
    }
    if attempt.finish_reason:
        told["finish_reason"] = label(attempt.finish_reason)
    if attempt.fault is not None:
        told |= {"fault": attempt.fault.kind, "status": attempt.fault.status}
    if attempt.compressed is not None:
        told["compression"] = _compression(attempt.compressed)
    if attempt.verdict is not None:
        told |= {"p_good": round(attempt.verdict.p_good, 4), "findings": list(attempt.verdict.findings)}
    return told


def _compression(made: Compressed) -> dict[str, Any]:
    told: dict[str, Any] = {
        "came_tokens": made.came_tokens,
        "sent_tokens": made.sent_tokens,
        "saved_nanousd": made.saved_nanousd,
        "changes": list(made.changes),
    }
    return {**told, "is_shadow": True} if made.is_shadow else told


def tokens(count: int) -> int:
    """A count as the ledger takes it."""
    return min(max(count, 0), MAX_TOKENS)


def _milliseconds(seconds: float) -> int:
    return max(round(seconds * 1000), 0)
