"""Budgets of which four fifths are used, and once more when all is: each is told once for as long as it holds."""

from __future__ import annotations

from telemetry.limits.filling import Filled, filled
from telemetry.limits.windows import advice
from telemetry.models import AlertRule, Project
from telemetry.observer.alerts.glance import Glance
from telemetry.observer.alerts.message import Fact, Held, Link, one_line, page, subject_of
from telemetry.usage import usd

MOST = 100
NEARLY, QUITE = "80", "100"  # percent
_UNITS = {"gross": "tokens", "weighted": "weighted tokens"}
_WHEN = {"day": "today", "week": "this week", "month": "this month"}


def look(glance: Glance) -> list[Held]:
    """A `Held` a budget and subject that is used to 80 %, and another where it is used up."""
    found = filled(glance.conn, project_id=glance.project.pk, zone=glance.project.time_zone, now=glance.now)
    held = []
    for one in found[:MOST]:
        is_used_up = one.used >= one.budget.limit
        if not is_used_up or _subject(one, NEARLY) in glance.firing:
            held.append(
                held_of(glance.project, glance.rule, one, NEARLY, f"is {int(100 * one.used / one.budget.limit)} % used")
            )
        if is_used_up:
            held.append(held_of(glance.project, glance.rule, one, QUITE, "is used up"))
    return held


def held_of(project: Project, rule: AlertRule, one: Filled, mark: str, how_full: str) -> Held:
    """What a rule says of a budget that is as full as `mark`."""
    budget = one.budget
    narrowed = {budget.scope: one.subject} if budget.scope in ("agent", "task_type", "tier") and one.subject else {}
    to_do = advice(one.stage, period=budget.period, is_binding=budget.mode == "enforce")
    amounts = f"{_amount(one, one.used)} of {_amount(one, budget.limit)}"
    return Held(
        subject=_subject(one, mark),
        title=one_line(f"The budget of {_whose(one)} {how_full}"),
        severity=rule.severity,
        facts=(Fact("Used", amounts), Fact("Mode", budget.mode), Fact("What to do", to_do)),
        links=(Link("Budgets", page("/budgets/", project=project.slug, range="30d", **narrowed)),),
        once=True,
    )


def _subject(one: Filled, mark: str) -> str:
    return subject_of("budget", mark, str(one.budget.budget_id), one.subject, one.span)


def _whose(one: Filled) -> str:
    """Of what it is, in which span."""
    scope, when = one.budget.scope.replace("_", " "), _WHEN.get(one.budget.period, f"in the session {one.span}")
    if one.budget.scope == "session":
        return f"the session {one.span}"
    return " ".join(f"the {scope} {one.subject} {when}".split())


def _amount(one: Filled, amount: int) -> str:
    return f"${usd(amount)}" if one.budget.counts == "usd" else f"{amount:,} {_UNITS[one.budget.counts]}"
