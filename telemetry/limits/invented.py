"""What the demo's budgets refused and lowered, written down as a gateway does it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from telemetry.limits.curbs import BudgetCurb, BudgetCurbSums, note_budget_curbs
from telemetry.models import Budget
from telemetry.models import BudgetCurb as Rows
from telemetry.sources.demo.governed import LIMITS, WANTED, Curbed


def keep_demo_curbs(*, project_id: int, curbed: Iterable[Curbed], now: datetime) -> None:
    """Write what is not there already, of hours that are over. Raises the database's errors where it is away."""
    written = Budget.objects.filter(project_id=project_id, scope="session_type", period="session", counts="weighted")
    ids = {budget.subject: budget.pk for budget in written}
    known = set(Rows.objects.filter(project_id=project_id).values_list("id", flat=True))
    sums, hour = BudgetCurbSums(), now.replace(minute=0, second=0, microsecond=0)
    found = [_curb(one, ids[one.session_type]) for one in curbed if one.session_type in ids and one.at < hour]
    sums.add(project_id, [one for one in found if one.id not in known])
    note_budget_curbs(sums.take())


def _curb(one: Curbed, budget_id: int) -> BudgetCurb:
    return BudgetCurb(
        kind=one.kind,
        budget_id=budget_id,
        scope="session_type",
        subject=one.session_type,
        period="session",
        counts="weighted",
        session_id=one.session_id,
        agent=one.agent,
        tier="",
        granted=LIMITS[one.session_type],
        remaining=one.remaining,
        prompt=one.prompt,
        wanted=WANTED,
        given=one.given,
        last_at=one.at,
        calls=one.calls,
    )
