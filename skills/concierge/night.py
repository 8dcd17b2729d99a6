"""The concierge's night: what a project's runs and skills say, settled with what was found and decided before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

from msgspec import json

from skills import registry
from skills.concierge.doubles import Double
from skills.concierge.draft import Draft, draft
from skills.concierge.gaps import Gap
from skills.concierge.idle import WATCHED, Idle
from skills.concierge.looking import Findings, Loads, Shelved, look
from skills.concierge.standing import Found, Known, Settled, State, settle
from skills.matching.index import Index
from skills.models import Advice, RetiredSkill, SkillSeen
from skills.retired import retired
from telemetry import facade

KIND = "skill-concierge"
HISTORY = timedelta(days=60)
MOST_RUNS = 40_000  # the newest; ten thousand different tasks of them are compared
_KEY_WORDS = 4


def look_due(*, now: datetime, patience_s: float) -> int:
    """Look at each project after each of its days, once; none is begun after `patience_s`. Returns how many were
    looked at. Raises psycopg.Error, django.db.Error."""
    return facade.work_nightly(kind=KIND, look=looked, now=now, patience_s=patience_s)


def looked(project_id: int, until: datetime) -> Callable[[], None]:
    """Look at a project as it was at a moment; what keeps the result. Raises psycopg.Error, django.db.Error."""
    seen = dict(SkillSeen.objects.filter(project_id=project_id).values_list("skill", "first_at"))
    known, gone = registry.registry_of(project_id), retired(project_id)
    made = known.current()
    offered = {name: tokens for name, tokens in made.tokens.items() if name not in gone}
    runs = facade.task_runs(project_id=project_id, start=until - HISTORY, end=until, most=MOST_RUNS)
    uses = facade.skill_uses(project_id=project_id, start=until - WATCHED, end=until)
    first = {use.skill: use.first_at for use in uses}  # what was loaded was there, whenever it was first looked for
    since = {name: min(seen.get(name, until), first.get(name, until)) for name in offered}
    findings = look(
        runs,
        made.index if not gone else Index([one for one in made.index.entries if one.name in offered]),
        shelved=[Shelved(name, since[name], tokens) for name, tokens in sorted(offered.items())],
        loads={use.skill: Loads(use.loads, use.last_at) for use in uses},
        alike=[pair for pair in known.overlaps() if pair.one in offered and pair.other in offered],
        now=until,
    )
    found, new = _told(findings, taken=sorted(made.listing.skills)), sorted(offered.keys() - seen.keys())
    return lambda: _keep(project_id, found, new, until)


def shelve(project_id: int, *, since: datetime) -> None:
    """Note that all skills that there are now have been there since a moment, where nothing is known of that."""
    names = sorted(registry.registry_of(project_id).current().tokens)
    _note(project_id, names, since)


def _told(findings: Findings, *, taken: list[str]) -> list[Found]:
    """Findings as they are kept and shown."""
    names, found = list(taken), []
    for gap in findings.gaps:
        made = draft(gap, taken=names)
        names.append(made.name)
        document = {"gap": _plain(gap), "draft": _plain(made)}
        key = " ".join(word for word, _ in gap.words[:_KEY_WORDS])[:200]
        found.append(Found(kind="gap", key=key, weight=gap.runs, document=document, words=gap.words))
    found += [
        Found(kind="idle", key=one.skill, weight=one.days, document={"idle": _plain(one)}) for one in findings.idle
    ]
    found += [
        Found(kind="double", key=f"{one.one} {one.other}", weight=one.runs, document={"double": _plain(one)})
        for one in findings.doubles
    ]
    return found


def _plain(one: Gap | Idle | Double | Draft) -> dict[str, Any]:
    """As the database gives it back, without the places of runs."""
    plain: dict[str, Any] = json.decode(json.encode(one))
    plain.pop("members", None)
    return plain


def _keep(project_id: int, found: list[Found], new: list[str], until: datetime) -> None:
    """Write what changed; what a person decides meanwhile waits for this, or this for it."""
    _note(project_id, new, until)
    rows = Advice.objects.select_for_update().filter(project_id=project_id).order_by("pk")
    settled: Settled = settle(found, [_known(row) for row in rows])
    for pk, one in settled.changed:
        Advice.objects.filter(project_id=project_id, pk=pk).update(
            state="open", weight=one.weight, found=one.document, found_at=until, decided_at=None, decided_by=""
        )
    Advice.objects.filter(project_id=project_id, pk__in=settled.gone).delete()
    for one in settled.new:
        Advice.objects.create(
            project_id=project_id, kind=one.kind, key=one.key, weight=one.weight, found=one.document, found_at=until
        )


def _known(row: Advice) -> Known:
    words = row.found.get("gap", {}).get("words", ())
    return Known(
        id=row.pk,
        kind=row.kind,
        key=row.key,
        state=cast(State, row.state),
        weight=row.weight,
        decided_weight=row.decided_weight,
        document=row.found,
        words=tuple((word, worth) for word, worth in words),
    )


def _note(project_id: int, names: list[str], since: datetime) -> None:
    rows = [SkillSeen(project_id=project_id, skill=name, first_at=since) for name in names]
    SkillSeen.objects.bulk_create(rows, ignore_conflicts=True)


def forget_removed() -> None:
    """Forget what is known of projects that are no more. Raises django.db.Error."""
    left = [project.id for project in facade.list_projects()]
    for model in (Advice, SkillSeen, RetiredSkill):
        model.objects.exclude(project_id__in=left).delete()
