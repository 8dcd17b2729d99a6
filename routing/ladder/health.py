"""How each tier does, as this process sees it: a breaker a tier, and what changed of them.

Kept in each process and shared with none. Three failures teach a process what there is to know, a round trip before
every call would cost more than that, and what fails for one machine (its network, its resolver) must not close a tier
for the others. What opens and closes is queued for the journal, so that the page can tell (docs/design.md).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from routing.contracts import Fault, FaultKind, Tier, TierState
from routing.ladder import breaker
from routing.ladder.breaker import Breaker

_KEPT_CHANGES = 1_000


class Change(Struct, frozen=True):
    """A breaker that opened (`kind` says why) or closed (None) at a moment, or (None) a tier's first answer to this
    process."""

    tier_id: int
    at: datetime
    kind: FaultKind | None


class Health:
    """The breakers of one process. Of one thread, or of one event loop: it has no lock."""

    def __init__(self) -> None:
        self._breakers: dict[int, Breaker] = {}
        self._answered: set[int] = set()
        self.changes: deque[Change] = deque(maxlen=_KEPT_CHANGES)

    def states(self, tiers: Iterable[Tier], *, now: datetime, known: Mapping[int, TierState]) -> dict[int, TierState]:
        """Of each tier by its id: `known` (what the slots and the quota say) with the state of its breaker."""
        found = {}
        for tier in tiers:
            ours = breaker.tier_state(tier.id, self._of(tier.id), now=now)
            found[tier.id] = replace(known.get(tier.id, ours), breaker=ours.breaker, until=ours.until)
        return found

    def admit(self, tier_id: int, *, now: datetime) -> bool:
        """Whether a call may be made now. A tier that is being probed lets one through; its end must be noted."""
        after = breaker.admitted(self._of(tier_id), now=now)
        if after is None:
            return False
        self._breakers[tier_id] = after
        return True

    def note(self, tier_id: int, fault: Fault | None, *, now: datetime) -> None:
        """A call of the tier ended: well, or with a fault."""
        before = self._of(tier_id)
        kind, after_s = (fault.kind, fault.retry_after_s) if fault else (None, None)
        after = breaker.noted(before, kind, now=now, retry_after_s=after_s)
        self._breakers[tier_id] = after
        is_first = kind is None and tier_id not in self._answered  # a process before this one may have left it out
        if kind is None:
            self._answered.add(tier_id)
        if is_first or (before.until is None) != (after.until is None):
            self.changes.append(Change(tier_id, now, after.kind if after.until else None))

    def _of(self, tier_id: int) -> Breaker:
        return self._breakers.get(tier_id, Breaker())
