"""What a person makes of the concierge's proposals: nothing is published, retired or brought back otherwise."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from skills import retired
from skills.models import Advice


class UnknownAdvice(LookupError):
    """This project has no such proposal, or somebody has decided on it already; or the skill is not retired."""


class BadDecision(ValueError):
    """This cannot be decided of such a proposal; the text says what can."""


def decide(*, project_id: int, advice_id: int, decision: str, skill: str = "", by: str, now: datetime) -> str:
    """Accept or dismiss a proposal, or retire a skill that it names (`skill`); what was done, in a sentence. Raises
    UnknownAdvice, BadDecision."""
    with transaction.atomic():
        row = Advice.objects.select_for_update().filter(project_id=project_id, pk=advice_id, state="open").first()
        if row is None:
            raise UnknownAdvice("There is no such proposal in this project, or it is decided already.")
        said = _do(row, decision, skill, by=by, now=now)
        row.state = Advice.State.DISMISSED if decision == "dismiss" else Advice.State.ACCEPTED
        row.decided_at, row.decided_by, row.decided_weight = now, by[:150], row.weight
        row.save(update_fields=["state", "decided_at", "decided_by", "decided_weight"])
    return said


def offer_again(*, project_id: int, skill: str) -> str:
    """Match a retired skill with tasks again; what was done, in a sentence. It is flagged again only with twice the
    evidence. Raises UnknownAdvice."""
    if not retired.offer_again(skill, project_id=project_id):
        raise UnknownAdvice(f"{skill} is not retired.")
    Advice.objects.filter(project_id=project_id, kind="idle", key=skill, state="accepted").update(state="dismissed")
    return f"{skill} is offered again."


def _do(row: Advice, decision: str, skill: str, *, by: str, now: datetime) -> str:
    if decision == "dismiss":
        return "Dismissed: it comes back only if there is twice as much to say for it."
    if row.kind == "gap" and decision == "accept":
        return "Accepted: the draft below is yours to finish and to put into a root of skills."
    if decision == "retire" and skill in _named(row):
        retired.retire(skill, project_id=row.project_id, by=by, now=now)
        return f"{skill} is retired: no task is matched with it, and who names it still gets it."
    raise BadDecision("A gap is accepted or dismissed; of skills that are there one is retired, or all are kept.")


def _named(row: Advice) -> tuple[str, ...]:
    """The skills that a proposal would retire."""
    if row.kind == "idle":
        return (row.key,)
    double = row.found.get("double", {})
    return (double.get("one", ""), double.get("other", "")) if row.kind == "double" else ()
