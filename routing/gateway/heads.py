"""The headers by which an answer says where it comes from."""

from __future__ import annotations

from routing.gateway.exchange import Exchange, Remembered, Trying
from telemetry.facade import BudgetHold

# By this header the client libraries know a call, and Claude Code's transcripts and events name it: it is the ledger's
# id of the call too, so that what comes by both routes is counted once.
_ID = {False: "x-request-id", True: "request-id"}


def heads(exchange: Exchange, trying: Trying, *, cost_nanousd: int | None = None) -> dict[str, str]:
    """Tier, model, attempts, why, and the cost in dollars where it is known: of a stream it is not when its head is
    sent."""
    tier = trying.step.tier
    told = {
        "x-tloi-request-id": exchange.id,
        _ID[exchange.protocol.startswith("anthropic.")]: trying.id,
        "x-tloi-tier": str(tier.position),
        "x-tloi-model": _plain(tier.model),
        "x-tloi-attempts": str(trying.number),
        "x-tloi-reason": _plain(trying.step.reason),
    }
    if exchange.skills:
        told["x-tloi-skills"] = _plain(",".join(exchange.skills))
    if exchange.skills_trouble:
        told["x-tloi-skills-trouble"] = _plain(exchange.skills_trouble)
    if exchange.claim is not None:
        told["x-tloi-cache"] = "miss"
    if trying.prepared.dropped:
        told["x-tloi-dropped"] = _plain(", ".join(trying.prepared.dropped))
    if (made := exchange.shortened) is not None and not made.saves.is_shadow:
        told["x-tloi-compressed"] = str(made.saves.came_tokens - made.saves.sent_tokens)
    if exchange.held is not None:
        told |= _budget(exchange.held)
    if cost_nanousd is not None:
        told["x-tloi-cost"] = _dollars(cost_nanousd)
    return told


def remembered_heads(exchange: Exchange, kept: Remembered) -> dict[str, str]:
    """Of an answer that was given before. It bears the id of the call that it was then, so that what an agent tells of
    it by another route is that call, and not one that nobody made."""
    return {
        "x-tloi-request-id": exchange.id,
        _ID[exchange.protocol.startswith("anthropic.")]: kept.attempt_id,
        "x-tloi-tier": str(kept.position),
        "x-tloi-model": _plain(kept.model),
        "x-tloi-attempts": str(len(exchange.attempts)),
        "x-tloi-reason": "the same was answered before",
        "x-tloi-cache": "hit" if exchange.claim is None else "stale",
        "age": str(int(kept.age_s)),
        "x-tloi-cost": _dollars(0),
    }


def _budget(held: BudgetHold) -> dict[str, str]:
    """How full the fullest budget is with this call, and from `warn` on what to do; where less output was granted than
    asked for, how much."""
    told = {f"x-tloi-budget-{name}": getattr(held, name) for name in ("stage", "used", "reserved", "limit")}
    if held.advice:
        told["x-tloi-budget-advice"] = held.advice
    return {**told, "x-tloi-max-output": str(held.output)} if held.is_lowered and held.is_binding else told


def failed_heads(exchange: Exchange) -> dict[str, str]:
    """The headers of a request that got no answer: its own id, and how many attempts were made for it."""
    told = {"x-tloi-request-id": exchange.id, _ID[exchange.protocol.startswith("anthropic.")]: exchange.id}
    return {**told, "x-tloi-attempts": str(len(exchange.attempts))} if exchange.attempts else told


def _dollars(nanousd: int) -> str:
    return f"{nanousd // 10**9}.{nanousd % 10**9:09d}"


def _plain(text: str) -> str:
    """A text as a header may bear it."""
    return text[:200].encode("ascii", "replace").decode() if text.isprintable() else "?"
