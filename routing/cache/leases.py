"""Who makes an answer holds a lease of some seconds, which a thread of its process renews: what is killed lets go.

The thread knows nothing of what is made, so that a long answer keeps its lease and a dead process does not. It sleeps
while nothing is held. After a quarter of an hour a lease is renewed no more: then what is made hangs.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque

from routing.cache.lookups import LEASE_S, RENEW, Ask, Claim, skip
from routing.cache.valkey import valkey

LONGEST_S = 900.0


class Leases:
    """What this process makes just now."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Claim, float]] = {}
        self._over: deque[Claim] = deque()
        self._changed = threading.Condition()
        self._is_idle = True
        self._thread: threading.Thread | None = None

    def hold(self, claim: Claim) -> None:
        """Renew a lease from now on."""
        with self._changed:
            self._held[claim.who] = claim, time.monotonic() + LONGEST_S
            self._see_to_it()

    def forget(self, claim: Claim) -> bool:
        """Renew it no more; whether it was held."""
        with self._changed:
            return self._held.pop(claim.who, None) is not None

    def let_go(self, claim: Claim) -> None:
        """Renew it no more and give it back, if it is held. Does not wait for that."""
        with self._changed:
            if self._held.pop(claim.who, None) is not None:
                self._over.append(claim)
                self._see_to_it()

    def _see_to_it(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="kept-leases", daemon=True)
            self._thread.start()
        if self._over or self._is_idle:  # else it is awake soon enough
            self._changed.notify()

    def _run(self) -> None:
        due = 0.0  # when what is held is renewed
        while True:
            with self._changed:
                self._is_idle = not self._over and not self._held
                if self._is_idle:
                    self._changed.wait()
                    due = time.monotonic() + LEASE_S / 3
                    continue
                if not self._over:
                    self._changed.wait(due - time.monotonic())
                over = [self._over.popleft() for _ in range(len(self._over))]
                now = time.monotonic()
                held = [claim for claim, until in self._held.values() if now < until] if now >= due else []
            for claim in over:
                valkey().ask(skip(claim))
            if now >= due:
                due = now + LEASE_S / 3
            if held:
                leases = [claim.question.lease for claim in held]
                valkey().ask(Ask(RENEW, leases, (round(LEASE_S * 1000), *(claim.who for claim in held))))


leases = Leases()
os.register_at_fork(after_in_child=leases.__init__)  # type: ignore[misc]  # a fork has none of the threads
