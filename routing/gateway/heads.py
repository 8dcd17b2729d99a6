"""The headers by which an answer says where it comes from."""

from __future__ import annotations

from routing.gateway.exchange import Exchange, Trying

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
    if trying.prepared.dropped:
        told["x-tloi-dropped"] = _plain(", ".join(trying.prepared.dropped))
    if cost_nanousd is not None:
        told["x-tloi-cost"] = f"{cost_nanousd // 10**9}.{cost_nanousd % 10**9:09d}"
    return told


def failed_heads(exchange: Exchange) -> dict[str, str]:
    """The headers of a request that got no answer: its own id, and how many attempts were made for it."""
    told = {"x-tloi-request-id": exchange.id, _ID[exchange.protocol.startswith("anthropic.")]: exchange.id}
    return {**told, "x-tloi-attempts": str(len(exchange.attempts))} if exchange.attempts else told


def _plain(text: str) -> str:
    """A text as a header may bear it."""
    return text[:200].encode("ascii", "replace").decode() if text.isprintable() else "?"
