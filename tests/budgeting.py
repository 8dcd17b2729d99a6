"""The budgets that every project begins with (tests that empty tables take them from the ones that come after), and
waiting until what a gateway reserved is settled."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from telemetry.models import Budget, BudgetLease, BudgetWindow, Project
from tests.gateways import PATIENCE_S

PLAN = {"direct_chat": 10_000, "cron_job": 20_000, "sub_agent": 30_000}


def grant_plan() -> None:
    """Write them where they are missing, as the migration does."""
    for kind, tokens in PLAN.items():
        span = {"scope": "session_type", "subject": kind, "period": "session", "counts": "weighted"}
        Budget.objects.get_or_create(project=None, **span, defaults={"amount": Decimal(tokens)})


def settled(project: Project, count: int = 1) -> list[BudgetWindow]:
    """The windows of a project, once so many leases are settled and none is open."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        states = list(BudgetLease.objects.filter(project_id=project.pk).values_list("state", flat=True))
        if states == ["settled"] * count:
            return list(BudgetWindow.objects.filter(project_id=project.pk))
        time.sleep(0.05)
    pytest.fail(f"leases are {states}")
