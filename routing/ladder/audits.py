"""Which answers are audited: a few of those that passed, by lot, while their budget of the day lasts.

Off until the site sets TLOI_AUDIT_PERCENT. What is asked waits in a table for minutes, and is forgotten then.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import F
from msgspec import Struct

from routing.contracts import Caller, Plan, Protocol, Tier
from routing.models import Audit, AuditDay

_MOST_WAITING = 1_000
_SETTLED = timedelta(seconds=2)  # until then its outcome may still be on its way into the database
_STALE = timedelta(hours=1)  # after which nobody does it any more


class Audited(Struct, frozen=True):
    """An answer to compare: of which attempt, of whom, to what, what it said, and which tier is asked."""

    id: str
    project_id: int
    protocol: str
    caller: dict[str, Any]
    body: dict[str, Any]
    text: str
    position: int


def drawn(plan: Plan, answered: Tier, *, percent: int, draw: float) -> Tier | None:
    """The tier that an answer of `answered` is compared with; None where it is not drawn (`draw` is in 0..1), its tier
    was named by the caller, or the plan has none above it."""
    above = [step.tier for step in plan.steps if step.tier.position > answered.position]
    if plan.is_pinned or 100 * draw >= percent or not above:
        return None
    return max(above, key=lambda tier: tier.position)


def ask(
    *, attempt_id: str, caller: Caller, protocol: Protocol, body: dict[str, Any], text: str, tier: Tier, now: datetime
) -> bool:
    """Keep an answer for a worker to compare; whether there was room and money. Raises django.db.Error."""
    if not _has_money(now) or Audit.objects.count() >= _MOST_WAITING:
        return False
    Audit.objects.create(
        project_id=caller.project_id,
        id=attempt_id,
        created_at=now,
        protocol=protocol,
        caller=msgspec.to_builtins(caller),
        body=body,
        text=text,
        position=tier.position,
    )
    return True


def is_any_due(*, now: datetime) -> bool:
    """Whether an answer waits to be compared."""
    return Audit.objects.filter(created_at__lte=now - _SETTLED).exists()


def take(*, now: datetime) -> Audited | None:
    """The next audit, which nobody else does then; None where there is none, or no money. Raises django.db.Error."""
    Audit.objects.filter(created_at__lt=now - _STALE).delete()
    if not _has_money(now):
        return None
    with transaction.atomic():
        due = Audit.objects.filter(created_at__lte=now - _SETTLED)
        row = due.select_for_update(skip_locked=True).order_by("created_at").first()
        if row is None:
            return None
        found = Audited(row.id, row.project_id, row.protocol, row.caller, row.body, row.text, row.position)
        row.delete()
    return found


def note(*, cost_nanousd: int, now: datetime) -> None:
    """An audit is over, and cost so much. Raises django.db.Error."""
    AuditDay.objects.get_or_create(day=now.date())
    AuditDay.objects.filter(day=now.date()).update(done=F("done") + 1, cost_nanousd=F("cost_nanousd") + cost_nanousd)


def _has_money(now: datetime) -> bool:
    spent = AuditDay.objects.filter(day=now.date()).values_list("cost_nanousd", flat=True).first() or 0
    return spent < settings.AUDIT_NANOUSD_A_DAY
