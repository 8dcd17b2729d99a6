"""A budget is written by a program or a page, by the same rules as in the admin."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError

from telemetry.models import Budget

KIND = ("scope", "subject", "period", "counts")  # by which there is one budget of a project, and no second


def write(
    *, project_id: int, kind: Mapping[str, str], amount: Decimal, mode: str | None = None, is_enabled: bool = True
) -> tuple[Budget, bool]:
    """Write a project's budget of a KIND, or change the one that there is; the budget, and whether it is new. Where no
    mode is said a new one only watches, and a known one keeps its own. Raises ValidationError."""
    said = {name: kind.get(name, "") for name in KIND}
    wanted = Budget(project_id=project_id, amount=amount, mode=mode or Budget.Mode.SHADOW, **said)
    wanted.full_clean(validate_unique=False, validate_constraints=False)
    said["subject"] = wanted.subject
    known = Budget.objects.filter(project_id=project_id, **said).first()
    if known is not None:
        return change(known, amount=amount, mode=mode or known.mode, is_enabled=is_enabled), False
    wanted.is_enabled = is_enabled
    try:
        wanted.save()
    except IntegrityError:
        raise ValidationError("Somebody has written the same budget in this moment; say it again.") from None
    return wanted, True


def change(known: Budget, *, amount: Decimal, mode: str, is_enabled: bool) -> Budget:
    """Give a budget another amount or mode. Raises ValidationError."""
    known.amount, known.mode, known.is_enabled = amount, mode, is_enabled
    known.full_clean()
    known.save(update_fields=["amount", "mode", "is_enabled", "changed_at"])
    return known


def reasons(error: ValidationError) -> str:
    """Why a budget cannot be written, in a line."""
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    said = ((name, message) for name, messages in error.message_dict.items() for message in messages)
    return " ".join(message if name == "__all__" else f"{name}: {message}" for name, message in said)


def as_plain(budget: Budget) -> dict[str, Any]:
    """A budget as it is written."""
    kind = {name: getattr(budget, name) for name in KIND}
    amount = f"{budget.amount.normalize():f}"
    return {"id": budget.pk, **kind, "amount": amount, "mode": budget.mode, "is_enabled": budget.is_enabled}
