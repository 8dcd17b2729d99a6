"""What the concierge of skills has to say, as it stands on the page Skills."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.utils.module_loading import import_string

from telemetry.access.projects import may_equip
from telemetry.contracts import SkillCounsel, SkillCounsels
from telemetry.dashboards import formats
from telemetry.dashboards.pagestate import PageState
from telemetry.models import Membership

_TITLES = {"gap": "A skill is missing for tasks about", "idle": "Nobody needs", "double": "Twice the same:"}
_KEEP = {"gap": "Dismiss", "idle": "Keep", "double": "Keep both"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A proposal as it is printed. `retirable` are (name, what its button says)."""

    id: int
    title: str
    about: str
    why: tuple[str, ...]
    examples: tuple[str, ...]
    saves: str
    accepts: bool
    retirable: tuple[tuple[str, str], ...]
    keeps: str
    draft: str
    decided: str


@dataclass(frozen=True, slots=True)
class Retired:
    """A skill that is no longer offered, and since when."""

    skill: str
    since: str


@dataclass(frozen=True, slots=True)
class Counselling:
    """All of it: what nobody has decided on, what was accepted, and what is retired."""

    open: tuple[Shown, ...]
    accepted: tuple[Shown, ...]
    retired: tuple[Retired, ...]
    looked_on: date | None
    days: int
    may_decide: bool


def panel_of(membership: Membership, state: PageState) -> Counselling:
    """What the concierge says of a member's project. Raises django.db.Error."""
    tell: Callable[..., SkillCounsels] = import_string(settings.SKILL_COUNSELS)
    told = tell(project_id=membership.project.pk)
    shown = [(one.state, _shown(one, told.days, state)) for one in told.counsels]
    return Counselling(
        open=tuple(one for said, one in shown if said == "open"),
        accepted=tuple(one for said, one in shown if said == "accepted" and one.draft),
        retired=tuple(Retired(one.skill, _by(one.by, formats.moment(one.at, state.window))) for one in told.retired),
        looked_on=told.looked_on,
        days=told.days,
        may_decide=may_equip(membership),
    )


def _shown(one: SkillCounsel, days: int, state: PageState) -> Shown:
    decided = _by(one.decided_by, formats.moment(one.decided_at, state.window)) if one.decided_at else ""
    many = len(one.retirable) > 1
    return Shown(
        id=one.id,
        title=_TITLES[one.kind],
        about=one.about,
        why=one.why,
        examples=one.examples,
        saves=_saves(one, days),
        accepts=one.kind == "gap",
        retirable=tuple((name, f"Retire {formats.clipped(name, 30)}" if many else "Retire") for name in one.retirable),
        keeps=_KEEP[one.kind],
        draft=one.draft,
        decided=decided,
    )


def _saves(one: SkillCounsel, days: int) -> str:
    if not one.saved_tokens:
        return ""
    money = f", {formats.usd(one.saved_nanousd)}" if one.saved_nanousd else ""
    what = "runs that a skill might have spared or made shorter" if one.kind == "gap" else "the smaller one each time"
    return f"At stake in {days} days: {formats.compact(one.saved_tokens)} tokens{money}, of {what}."


def _by(who: str, when: str) -> str:
    return f"{when}, by {who}" if who else when
