"""The headers by which an answer says where it comes from."""

from __future__ import annotations

from routing.gateway.exchange import Exchange, Trying


def heads(exchange: Exchange, trying: Trying, *, cost_nanousd: int | None = None) -> dict[str, str]:
    """Tier, model, attempts, why, and the cost in dollars where it is known: of a stream it is not when its head is
    sent."""
    tier = trying.step.tier
    told = {
        "x-tloi-request-id": exchange.id,
        "x-tloi-tier": str(tier.position),
        "x-tloi-model": _plain(tier.model),
        "x-tloi-attempts": str(trying.number),
        "x-tloi-reason": _plain(trying.step.reason),
    }
    if trying.prepared.dropped:
        told["x-tloi-dropped"] = _plain(", ".join(trying.prepared.dropped))
    if cost_nanousd is not None:
        told["x-tloi-cost"] = f"{cost_nanousd // 10**9}.{cost_nanousd % 10**9:09d}"
    return told


def _plain(text: str) -> str:
    """A text as a header may bear it."""
    return text[:200].encode("ascii", "replace").decode() if text.isprintable() else "?"
