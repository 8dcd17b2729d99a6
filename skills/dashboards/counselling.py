"""What the concierge says, as the page Skills shows it, and what people on that page make of it.

Telemetry prints the page; it is told where this is by the site's settings SKILL_COUNSELS and SKILL_DECISION.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import msgspec

from skills.concierge import deciding
from skills.concierge.doubles import Double
from skills.concierge.draft import quoted, reasons
from skills.concierge.gaps import Gap
from skills.concierge.idle import Idle
from skills.concierge.night import HISTORY, KIND
from skills.models import Advice, RetiredSkill
from telemetry import facade
from telemetry.contracts import SkillCounsel, SkillCounsels, SkillRetired

_TERMS = 5
_MOST = 100


def counsels(*, project_id: int) -> SkillCounsels:
    """Proposals that are open, the weightiest first, then those that were accepted; and what is retired. Raises
    django.db.Error."""
    rows = Advice.objects.filter(project_id=project_id).exclude(state="dismissed").order_by("-state", "-weight", "pk")
    gone = RetiredSkill.objects.filter(project_id=project_id).order_by("skill")
    return SkillCounsels(
        tuple(_counsel(row) for row in rows[:_MOST]),
        tuple(SkillRetired(one.skill, one.retired_at, one.retired_by) for one in gone),
        facade.nightly_until(project_id=project_id, kind=KIND),
        HISTORY.days,
    )


def decide(*, project_id: int, counsel_id: int, decision: str, skill: str, by: str, now: datetime) -> str:
    """Do what a person decided; what was done, in a sentence. Raises LookupError where there is nothing of that to be
    decided, ValueError where it cannot be decided so; both say why."""
    if decision == "offer":
        return deciding.offer_again(project_id=project_id, skill=skill)
    return deciding.decide(project_id=project_id, advice_id=counsel_id, decision=decision, skill=skill, by=by, now=now)


def _counsel(row: Advice) -> SkillCounsel:
    said: dict[str, Any] = {
        "id": row.pk,
        "kind": row.kind,
        "state": row.state,
        "decided_by": row.decided_by,
        "decided_at": row.decided_at,
    }
    if row.kind == "gap":
        gap = msgspec.convert(row.found["gap"], Gap)
        draft = row.found["draft"]["text"] if row.state == "accepted" else ""
        return SkillCounsel(**said | _of_gap(gap), draft=draft)
    if row.kind == "idle":
        return SkillCounsel(**said | _of_idle(msgspec.convert(row.found["idle"], Idle)))
    return SkillCounsel(**said | _of_double(msgspec.convert(row.found["double"], Double)))


def _of_gap(gap: Gap) -> dict[str, Any]:
    near = ", ".join(f"{skill} {score:.2f}" for skill, _, score in gap.nearest[:2])
    nearest = f"; the nearest were {near}" if near else ""
    unfit = f"no skill fits {gap.looked - gap.fitting:,} of the {gap.looked:,} that were looked at"
    return {
        "about": ", ".join(gap.terms[:_TERMS]),
        "why": (f"{gap.runs:,} tasks on {gap.days} days; {unfit}{nearest}.", *reasons(gap)),
        "examples": tuple(quoted(example) for example in gap.examples),
        "retirable": (),
        "saved_tokens": gap.saved_tokens,
        "saved_nanousd": gap.saved_nanousd,
    }


def _of_idle(idle: Idle) -> dict[str, Any]:
    times = {0: "never", 1: "once"}.get(idle.loads, f"{idle.loads} times")
    last = f", last on {idle.last_at:%Y-%m-%d}" if idle.last_at else ""
    bound = f"with 95 % certainty it is loaded less than {math.ceil(idle.a_year)} times a year"
    carried = f"An agent that carries all skills has {idle.tokens:,} tokens of it in each context"
    return {
        "about": idle.skill,
        "why": (
            f"It was {times} loaded in {idle.days} days{last}: {bound}.",
            f"Of {idle.tasks:,} tasks that were looked at it fits {idle.fitting:,} best.",
            f"{carried}; one that asks which it needs is spared a wrong one.",
        ),
        "examples": (),
        "retirable": (idle.skill,),
        "saved_tokens": 0,
        "saved_nanousd": 0,
    }


def _of_double(double: Double) -> dict[str, Any]:
    words = f"By their words they are {100 * double.alike:.0f} % alike"
    return {
        "about": f"{double.one} and {double.other}",
        "why": (f"{words}, and {double.runs:,} runs on {double.days} days loaded both.",),
        "examples": tuple(quoted(example) for example in double.examples),
        "retirable": (double.one, double.other),
        "saved_tokens": double.saved_tokens,
        "saved_nanousd": double.saved_nanousd,
    }
