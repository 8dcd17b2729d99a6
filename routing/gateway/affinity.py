"""Which tier a task is on. It stays on its model, for its answers build on each other and its prompt is cached there.

Kept in this process: after a restart a task may begin again from below, which costs a cold cache and nothing else.
"""

from __future__ import annotations

import time
from collections import OrderedDict

from routing.contracts import Caller, Plan, Tier

KEPT_S = 3600.0
MOST = 20_000
Task = tuple[int, str, str]


class Affinity:
    """The tiers of tasks, the latest last. A task is an execution, or where none is named a session."""

    def __init__(self) -> None:
        self._tiers: OrderedDict[Task, tuple[int, float]] = OrderedDict()

    def of(self, caller: Caller) -> int | None:
        """The id of the tier that a task is on; None where it has none."""
        found = self._tiers.get(_task(caller))
        return None if found is None or time.monotonic() - found[1] > KEPT_S else found[0]

    def note(self, caller: Caller, tier: Tier, plan: Plan, *, has_climbed: bool) -> None:
        """The task was answered by `tier`. One that answered only since another failed, or was left out for it, is not
        where the task is: else a minute's outage would leave it with what costs most."""
        if not has_climbed and (plan.is_makeshift or tier.id != plan.steps[0].tier.id):
            return
        task = _task(caller)
        self._tiers[task] = tier.id, time.monotonic()
        self._tiers.move_to_end(task)
        if len(self._tiers) > MOST:
            self._tiers.popitem(last=False)


def _task(caller: Caller) -> Task:
    return caller.key_id, caller.session, caller.execution
