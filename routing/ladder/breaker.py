"""A circuit breaker: a tier that fails is left out for some seconds, then asked by one call at a time. Pure.

One for every tier, a single one too: without it each request of an outage pays for the same failing attempts again
(LiteLLM's issue 40405). The wait doubles up to `LONGEST_S`, so a tier that recovers is asked again within half a
minute. A state is a value: each function gives the next one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from routing.contracts import FaultKind, TierState

OPENS_AFTER = 3  # failures in a row
OPENS_AT_SHARE, OF_LAST = 0.5, 20  # or so many of the last calls
SHORTEST_S, LONGEST_S = 5.0, 20.0
PROBE_S = 30.0  # a probe of which nothing is heard is forgotten after so long
CALM_S = 60.0  # after so long without a failure, the next wait is the shortest again

# What says nothing of the tier: the caller's, our own queue's and counter's, or the answer's.
_INNOCENT: frozenset[FaultKind] = frozenset(
    {"context_length", "content_filter", "bad_request", "unfit", "busy", "quota", "gate", "cancelled"}
)
# What will not pass by itself: one is enough.
_AT_ONCE: frozenset[FaultKind] = frozenset({"account", "model_missing", "forbidden_address"})


class Breaker(Struct, frozen=True, kw_only=True):
    """How a tier did lately. `recent` has a bit a call, the newest lowest, set where it failed; `until` is the end of
    the pause, None while closed; `probe_at` when the probe was let through."""

    in_a_row: int = 0
    recent: int = 0
    known: int = 0
    until: datetime | None = None
    wait_s: float = SHORTEST_S
    probe_at: datetime | None = None
    failed_at: datetime | None = None
    kind: FaultKind | None = None  # what opened it


def state(breaker: Breaker, *, now: datetime) -> Literal["closed", "open", "probing"]:
    """`open` while nothing may pass: in the pause, and while a probe is out. `probing`: the next call is the probe."""
    if breaker.until is None:
        return "closed"
    is_probed = breaker.probe_at is not None and now < breaker.probe_at + timedelta(seconds=PROBE_S)
    return "open" if now < breaker.until or is_probed else "probing"


def admitted(breaker: Breaker, *, now: datetime) -> Breaker | None:
    """The breaker with one more call let through, or None where none may pass."""
    match state(breaker, now=now):
        case "closed":
            return breaker
        case "probing":
            return replace(breaker, probe_at=now)
        case _:
            return None


def noted(breaker: Breaker, kind: FaultKind | None, *, now: datetime, retry_after_s: float | None = None) -> Breaker:
    """The breaker after a call ended: well (None), or with a fault. What says nothing of the tier frees the probe."""
    if kind in _INNOCENT:
        return replace(breaker, probe_at=None)
    if kind is None:
        return _well(breaker)
    return _failed(breaker, kind, now, retry_after_s)


def tier_state(tier_id: int, breaker: Breaker, *, now: datetime) -> TierState:
    """What the ladder's plan is told of it."""
    return TierState(tier_id=tier_id, breaker=state(breaker, now=now), until=breaker.until)


def _well(breaker: Breaker) -> Breaker:
    if breaker.until is not None:  # the probe, or a call that was out before: it answers
        return Breaker(wait_s=breaker.wait_s, failed_at=breaker.failed_at)
    return replace(breaker, in_a_row=0, recent=_shifted(breaker.recent), known=min(breaker.known + 1, OF_LAST))


def _failed(breaker: Breaker, kind: FaultKind, now: datetime, retry_after_s: float | None) -> Breaker:
    is_probe = breaker.probe_at is not None
    if breaker.until is not None and not is_probe:  # a call that was let through before it opened: nothing new
        return replace(breaker, failed_at=now)
    is_calm = breaker.failed_at is None or now - breaker.failed_at > timedelta(seconds=CALM_S)
    after = replace(
        breaker,
        in_a_row=breaker.in_a_row + 1,
        recent=_shifted(breaker.recent) | 1,
        known=min(breaker.known + 1, OF_LAST),
        failed_at=now,
        wait_s=SHORTEST_S if is_calm else breaker.wait_s,
        probe_at=None,
    )
    if not (is_probe or _is_enough(after, kind)):
        return after
    wait_s = min(max(after.wait_s, retry_after_s or 0.0), LONGEST_S)
    return replace(
        after,
        until=now + timedelta(seconds=wait_s),
        wait_s=min(after.wait_s * 2, LONGEST_S),
        kind=kind,
        recent=0,
        known=0,
    )


def _is_enough(breaker: Breaker, kind: FaultKind) -> bool:
    is_half = breaker.known == OF_LAST and breaker.recent.bit_count() >= OPENS_AT_SHARE * OF_LAST
    return kind in _AT_ONCE or breaker.in_a_row >= OPENS_AFTER or is_half


def _shifted(recent: int) -> int:
    return (recent << 1) & ((1 << OF_LAST) - 1)
