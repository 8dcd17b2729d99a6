"""What this process knows of budgets by its last questions, so that most calls ask the database once.

Which budgets hold for a call is known until one of them is changed, for which is looked every second; where the session
decides, it is believed for two seconds. What was used a second ago decides only where that is far from the limit, and
never what is reserved: nearer to it the database is asked. It asks nobody itself.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from telemetry.contracts import Call
from telemetry.facade import BudgetSpans, HeldProject, budget_spans

BELIEVED_S = 2.0
USED_S = 1.0
FAR = 2  # a half of a limit; from nine tenths on a prompt is made shorter
_MOST = 10_000
Key = tuple[object, ...]


class KnownBudgets:
    """Of one process."""

    def __init__(self) -> None:
        self._spans: dict[Key, tuple[float, BudgetSpans]] = {}
        self._used: dict[UUID, tuple[float, int]] = {}

    def spans(self, key: Key, call: Call, held: HeldProject, *, now: datetime) -> BudgetSpans | None:
        """Those under which a call falls; None where nobody knows."""
        found = self._spans.get(key)
        if found is None or (held.is_by_session and time.monotonic() > found[0] + BELIEVED_S):
            return None
        if _go_on(found[1], now):
            return replace(found[1], found_at=now)
        spans = budget_spans(found[1].grants, call, zone=held.zone, now=now)
        self._spans[key] = found[0], spans
        return spans

    def learn(self, key: Key | None, spans: BudgetSpans, used_of: Mapping[UUID, int]) -> None:
        """What the database said of a call."""
        at = time.monotonic()
        if key is not None:
            _bound(self._spans)
            self._spans[key] = at, spans
        _bound(self._used)
        for window_id, used in used_of.items():
            self._used[window_id] = at, used

    def is_far(self, spans: BudgetSpans, call: Call, prices: tuple[int, int] | None) -> bool:
        """Whether no budget that refuses is nearly used up, with the prompt of a call."""
        tokens = call.input_uncached
        for window in spans.windows:
            grant = window.grant
            if not window.is_binding or grant.scope == "tier":
                continue
            if grant.counts == "usd" and prices is None:
                return False
            said_at, used = self._used.get(window.id, (0.0, 0))
            takes = tokens * prices[0] if grant.counts == "usd" and prices else tokens
            if time.monotonic() > said_at + USED_S or FAR * (used + takes) > grant.limit:
                return False
        return True


def key_of(call: Call, held: HeldProject, *, project_id: int, key_id: int) -> Key:
    """What decides which budgets hold for a call without a parent session."""
    session = call.session_id if held.is_by_session else ""
    names = (call.session_type, call.agent, call.task_type, call.tier, call.objective)
    return held.version, project_id, key_id, session, *names


def _go_on(spans: BudgetSpans, now: datetime) -> bool:
    """Whether they are of days, weeks or months that are not over, and so of any call."""
    if len(spans.windows) < len(spans.grants):  # one that has none for lack of a session or run
        return False
    return all(one.to_at is not None and now < one.to_at for one in spans.windows)


def _bound(known: dict[Key, tuple[float, BudgetSpans]] | dict[UUID, tuple[float, int]]) -> None:
    if len(known) >= _MOST:
        known.clear()
