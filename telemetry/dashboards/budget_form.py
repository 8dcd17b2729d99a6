"""The forms on the Budgets page that change what was granted, one a budget, and what is sent by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core.exceptions import ValidationError
from django.db import transaction

from telemetry.dashboards import formats
from telemetry.limits import writing
from telemetry.limits.granted import Written
from telemetry.limits.standing import FIRED_DAYS, FIRED_WEEKS, Outlook
from telemetry.models import Budget
from telemetry.usage import usd

MODES = tuple((mode.value, mode.value.capitalize()) for mode in Budget.Mode)
_UNITS = {"weighted": "weighted tokens", "gross": "tokens", "usd": "US dollars"}
_DAYS = f"the last {FIRED_DAYS} days"
_LATELY = {"week": f"the last {FIRED_WEEKS} weeks", "month": "the last month"}


@dataclass(frozen=True, slots=True)
class Row:
    """A budget as it may be changed; `fired` says how often it would have stopped somebody."""

    kind: Mapping[str, str]
    name: str
    note: str
    amount: str
    unit: str
    mode: str
    is_enabled: bool
    fired: str
    modes: tuple[tuple[str, str], ...] = MODES


class BadBudget(ValueError):
    """What was sent is no budget; the text says why."""


def rows_of(found: Outlook) -> tuple[Row, ...]:
    """The budgets of a project that may be changed here: its own, and those for every project, of which a change makes
    one of its own."""
    return tuple(_row(one, found) for one in found.written)


def save(project_id: int, sent: Mapping[str, str], *, user_id: int) -> str:
    """Write what a form says, with who did; what was done, in a sentence. Raises BadBudget."""
    try:
        amount = Decimal(sent.get("amount", "").replace(",", "").strip())
    except InvalidOperation:
        raise BadBudget("The amount is a number of tokens, or of US dollars.") from None
    kind = {name: sent.get(name, "") for name in writing.KIND}
    try:
        with transaction.atomic():
            budget, is_new = writing.write(
                project_id=project_id,
                kind=kind,
                amount=amount,
                mode=sent.get("mode", ""),
                is_enabled="is_enabled" in sent,
            )
            deed, said = (ADDITION, "Written") if is_new else (CHANGE, "Changed")
            LogEntry.objects.log_actions(user_id, [budget], deed, f"{said} on the Budgets page.", single_object=True)
    except ValidationError as error:
        raise BadBudget(writing.reasons(error)) from None
    off = "" if budget.is_enabled else ", and it is off"
    mine = " It is this project's own now, and stands in place of the one for every project." if is_new else ""
    return f"{budget}; mode {budget.mode}{off}.{mine}"


def _row(one: Written, found: Outlook) -> Row:
    whole = one.scope == "project"
    scope, period = Budget.Scope(one.scope).label, Budget.Period(one.period).label
    span = [*([] if whole else [scope]), period, *([] if one.is_own else ["shared"])]
    return Row(
        kind={name: getattr(one, name) for name in writing.KIND},
        name=scope if whole else formats.clipped(one.subject, 32) or "each",
        note=" · ".join(span),
        amount=usd(one.limit) if one.counts == "usd" else str(one.limit),
        unit=_UNITS[one.counts],
        mode=one.mode,
        is_enabled=one.is_enabled,
        fired=_fired(one, found),
    )


def _fired(one: Written, found: Outlook) -> str:
    """How often it would have stopped somebody, whoever it was."""
    fired = [each.fired for each in found.budgets if each.budget.budget_id == one.budget_id and each.fired]
    over, spans = (sum(getattr(each, name) for each in fired) for name in ("over", "spans"))
    if not spans:
        return ""
    return f"would have fired {formats.counted(over, 'time', 'times')} in {_LATELY.get(one.period, _DAYS)}"
