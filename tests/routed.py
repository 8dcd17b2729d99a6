"""Requests as a gateway leaves them behind: in the ledger, and in what the ladder learned."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from routing.contracts import Attempt, Caller, Fault, Usage, Verdict
from routing.gateway.accounting import call_of
from routing.gateway.journal import Entry
from routing.ladder.learning import learn
from routing.models import Tier
from telemetry import facade
from telemetry.models import Project


def attempt(tier: Tier, at: datetime, **given: Any) -> Attempt:
    """An attempt that was over after half a second, with 1,000 tokens in and 100 out."""
    usual: dict[str, Any] = {
        "id": uuid.uuid4().hex,
        "request_id": "r",
        "number": 1,
        "tier_id": tier.pk,
        "tier": tier.name,
        "position": tier.position,
        "provider": tier.provider.name,
        "model": tier.model,
        "reason": "the lowest tier that can",
        "started_at": at,
        "duration_s": 0.5,
        "ttft_s": None,
        "usage": Usage(input_uncached=1_000, output=100),
        "verdict": Verdict(passed=True, p_good=0.8),
        "is_final": given.get("fault") is None,
        "cost_nanousd": 0 if tier.is_free else 1_200_000,
    }
    return Attempt(**usual | given)


def keep(project: Project, attempts: Sequence[Attempt]) -> None:
    """Write attempts down as the gateway's flusher does."""
    caller = Caller(project_id=project.pk, key_id=1, session="s", task_type="summary")
    calls = [call_of(one, caller) for one in attempts]
    facade.record(project_id=project.pk, calls=calls, source="gateway", now=datetime.now(UTC))
    learn([Entry(one, caller) for one in attempts if not one.climbed_from])
    learn([Entry(one, caller) for one in attempts if one.climbed_from])


def ten_requests(project: Project, tiers: Sequence[Tier], *, at: datetime, why: str) -> None:
    """Seven answered by the first tier, two refused there and answered by the last, and one that failed there, of which
    the last was asked because of `why`."""
    low, high = tiers[0], tiers[-1]
    made = [attempt(low, at + timedelta(seconds=n)) for n in range(7)]
    for n, agreement in ((7, -1.0), (8, 1.0)):
        refused = attempt(low, at + timedelta(seconds=n), fault=Fault(kind="gate", message="false_sum"))
        climb = {"climbed_from": refused.id, "agreement": agreement}
        reason = f"the answer of {low.name} did not pass: 10% against 80%"
        made += [refused, attempt(high, at + timedelta(seconds=n + 1), reason=reason, **climb)]
    down = Fault(kind="server", message="503")
    made += [attempt(low, at + timedelta(seconds=10), fault=down, verdict=None)]
    keep(project, [*made, attempt(high, at + timedelta(seconds=11), reason=why)])
