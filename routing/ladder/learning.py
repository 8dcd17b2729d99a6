"""LEARN: what became of answers is kept, added up by task type and tier, and calibrates the gate.

    an attempt is over ─▶ its outcome, once ─▶ sums of the day ─▶ the table of success, read once a minute
                                            └▶ answers by tier ─▶ prices that hold the shares (`pricing`)
    a climb, an audit, the end of a run says whether it was good ─▶ calibrations (`calibrating`)

A process holds what it read for a minute: `Learned`. Reading and writing block, so the gateway does both in a thread.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, MutableSequence, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from json import dumps
from typing import Any, Protocol

from django.db import connection, transaction
from msgspec import Struct

from routing import models
from routing.contracts import Attempt, Caller, Tier, Verdict
from routing.ladder import pricing
from routing.ladder.calibrating import calibrations, know_outcomes
from routing.ladder.health import Change
from routing.ladder.quality import Calibration
from routing.ladder.shares import Shares
from routing.ladder.success import Counted, Lengths, Table
from telemetry.facade import statement

FRESH = timedelta(minutes=1)
KEPT = timedelta(days=30)  # of which the table is made
_MOST_KEYS = 2_000
_MOST_PROJECTS = 500


class Ended(Protocol):
    """An attempt that is over, and whose it was."""

    @property
    def attempt(self) -> Attempt: ...

    @property
    def caller(self) -> Caller: ...


class Known(Struct, frozen=True):
    """What was learned of a project's answers."""

    table: Table = Table()
    calibration: Calibration = Calibration()
    read_at: datetime | None = None


class Learned:
    """What this process knows by experience. `of` and `shares` only look; `renew` reads, and is for a thread."""

    def __init__(self) -> None:
        self._projects: OrderedDict[int, Known] = OrderedDict()
        self._lock = threading.Lock()
        self.shares = Shares()
        self._priced_at: datetime | None = None

    def of(self, project_id: int) -> Known:
        """What was last read of the project; nothing before that."""
        return self._projects.get(project_id, _NOTHING)

    def is_stale(self, project_id: int, *, now: datetime) -> bool:
        """Whether it is time to `renew`."""
        read_at = self.of(project_id).read_at
        return read_at is None or now - read_at > FRESH

    def renew(self, project_id: int, tiers: Sequence[Tier], *, now: datetime) -> None:
        """Read what was learned of a project, and where they are older than a minute, the prices of tiers. Raises
        django.db.Error."""
        known = Known(read_table(project_id, now=now), calibrations(project_id), now)
        with self._lock:
            self._projects[project_id] = known
            self._projects.move_to_end(project_id)
            while len(self._projects) > _MOST_PROJECTS:
                self._projects.popitem(last=False)
        if self._priced_at is None or now - self._priced_at > FRESH:
            self.shares, self._priced_at = pricing.step(tiers, now=now), now


_NOTHING = Known()
_UNJUDGED = Verdict(passed=True, p_good=0.5)


def learn(ended: Iterable[Ended]) -> None:
    """Keep what became of attempts. The same ones may be told again. Raises django.db.Error."""
    of_project = sorted(ended, key=_project_of)
    for project_id, group in groupby(of_project, key=_project_of):
        members = list(group)
        with transaction.atomic():
            answered = note_outcomes(project_id, [_row(each) for each in members])
            know_outcomes(project_id, [row for each in members for row in _what_it_says(each.attempt)])
            if answered:
                add_answered(answered)


def store_changes(changes: MutableSequence[Change]) -> None:
    """Keep what opened and closed of a process's breakers (`Health.changes`), and take it out of there; that a tier
    answers is nothing new unless some process left it out. Raises django.db.Error; then all of it is still there."""
    taken = list(changes)
    is_left_out = {one.tier_id: bool(one.kind) for one in models.BreakerChange.newest()} if taken else {}
    kept = []
    for change in taken:
        if change.kind or is_left_out.get(change.tier_id):
            kept.append(models.BreakerChange(tier_id=change.tier_id, at=change.at, kind=change.kind or ""))
        is_left_out[change.tier_id] = bool(change.kind)
    models.BreakerChange.objects.bulk_create(kept)
    for _ in taken:
        del changes[0]


def _project_of(ended: Ended) -> int:
    return ended.caller.project_id


def _row(ended: Ended) -> dict[str, Any]:
    attempt, caller = ended.attempt, ended.caller
    verdict, kind = attempt.verdict or _UNJUDGED, attempt.fault.kind if attempt.fault else ""
    return {
        "id": attempt.id,
        "at": attempt.started_at.isoformat(),
        "task_type": caller.task_type.replace("\0", "")[:200],
        "tier_id": attempt.tier_id,
        "execution": caller.execution.replace("\0", "")[:200],
        "reason": attempt.reason.partition(":")[0].replace("\0", "")[:200],
        "fault": "" if kind == "gate" else kind,
        "prompt_chars": max(0, attempt.prompt_chars),
        "p_good": verdict.p_good,
        "is_refused": kind == "gate",
        "is_final": attempt.is_final and not attempt.is_pinned,
        "findings": list(verdict.findings),
        "signals": list(verdict.signals),
    }


def _what_it_says(attempt: Attempt) -> list[dict[str, Any]]:
    """What the answer of a higher tier says of the one before it: that it was good where both say the same."""
    verdict = attempt.verdict
    if not attempt.climbed_from or not attempt.agreement or verdict is None:
        return []
    agrees = attempt.agreement > 0
    return [
        {
            "id": attempt.climbed_from,
            "is_good": agrees,
            "would_help": not agrees and verdict.passed,
            "known_by": "audit" if attempt.is_audit else "climb",
        }
    ]


def read_table(project_id: int, *, now: datetime) -> Table:
    """The table of success of the last thirty days."""
    by_type: dict[tuple[str, int], Counted] = {}
    by_tier: Counter[tuple[int, str]] = Counter()
    lengths: dict[str, list[float]] = {}
    for task_type, tier_id, n, good, refused, chars, squares in outcome_sums(project_id, now=now):
        by_type[task_type, tier_id] = Counted(n, good, refused)
        for name, value in (("n", n), ("good", good), ("refused", refused)):
            by_tier[tier_id, name] += value
        of_type = lengths.setdefault(task_type, [0.0, 0.0, 0.0])
        lengths[task_type] = [a + b for a, b in zip(of_type, (n, chars, squares), strict=True)]
    return Table(
        by_type=by_type,
        by_tier={
            tier_id: Counted(*(by_tier[tier_id, name] for name in ("n", "good", "refused"))) for tier_id, _ in by_tier
        },
        lengths={
            task_type: Lengths(n, chars / n, max(0.0, squares / n - (chars / n) ** 2))
            for task_type, (n, chars, squares) in lengths.items()
            if n  # of a type that no tier has answered yet there is a day, and nothing to divide by
        },
    )


def note_outcomes(project_id: int, rows: Sequence[dict[str, Any]]) -> dict[int, int]:
    """Keep outcomes; of each tier how many answers were new and chosen by the ladder."""
    return dict(_rows("note_outcomes", project_id=project_id, rows=dumps(rows)))


def outcome_sums(project_id: int, *, now: datetime) -> list[Any]:
    """What the last thirty days add up to."""
    return _rows("outcome_sums", project_id=project_id, after=(now - KEPT).date(), most=_MOST_KEYS)


def add_answered(answered: dict[int, int]) -> None:
    """Count answers towards the shares."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("routing.ladder", "add_answered"),
            {"tiers": list(answered), "answered": list(answered.values())},
        )


def _rows(name: str, **given: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement("routing.ladder", name), given)
        found: list[Any] = cursor.fetchall()
    return found
