"""The budgets that every project begins with; tests that empty tables take them from the ones that come after."""

from __future__ import annotations

from decimal import Decimal

from telemetry.models import Budget

PLAN = {"direct_chat": 10_000, "cron_job": 20_000, "sub_agent": 30_000}


def grant_plan() -> None:
    """Write them where they are missing, as the migration does."""
    for kind, tokens in PLAN.items():
        span = {"scope": "session_type", "subject": kind, "period": "session", "counts": "weighted"}
        Budget.objects.get_or_create(project=None, **span, defaults={"amount": Decimal(tokens)})
