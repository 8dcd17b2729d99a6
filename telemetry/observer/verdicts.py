"""What people make of anomalies: a state of each, and task types that a detector is to let pass.

PROPOSED_AFTER times "not waste" of one detector on one task type propose such an allowance; a person accepts it or
dismisses it, and ends it again in the admin. It is in force (`rules.py` reads it) once accepted, until dismissed. What
was dismissed is proposed again after as many new verdicts. A run without a task type is like no other, so none is
proposed for it: it would let pass whatever is silent. Verdicts take the lock under which runs are judged, so that they
wait for each other and for a slice of the night, never in a ring, and each counts those before it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Q
from psycopg import Connection
from psycopg.rows import tuple_row

from telemetry.database import connection
from telemetry.ledger import dirty
from telemetry.models import AllowedWaste, Anomaly, Detector
from telemetry.series import waste_sums
from telemetry.statements import statement

PROPOSED_AFTER = 3
MOST_AT_ONCE = 500
MOST_LETTERS = 2000
STATES = tuple(Anomaly.State.values)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_PENDING = Q(accepted_at=None, dismissed_at=None)
Pair = tuple[str, str]


class BadVerdict(ValueError):
    """A verdict that cannot be kept; the text says why, for the person who gave it."""


class UnknownAnomaly(LookupError):
    """This project has no such anomaly, or none any more."""


class UnknownProposal(LookupError):
    """This project has no such proposal, or somebody has decided on it already."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An anomaly, and the state in which a person saw it."""

    execution_id: str
    detector: str
    state: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one: how many anomalies bear it now, how many somebody else had changed, how many were gone, and
    which task types it proposed to let pass."""

    changed: int
    overtaken: int
    gone: int
    proposed: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A task type that a detector might let pass, and how often people called its anomalies no waste."""

    id: int
    detector: str
    task_type: str
    times: int
    proposed_at: datetime

    @property
    def title(self) -> str:
        """The detector's name as people read it."""
        return Detector(self.detector).label


def judge(
    *, project_id: int, seen: Sequence[Seen], state: str, by: str, now: datetime, note: str | None = None
) -> Verdict:
    """Give anomalies a state. One that is no longer as it was seen stays as it is; a `note` of None leaves theirs.
    Raises BadVerdict, and UnknownAnomaly where none of them is there."""
    note = None if note is None else note.strip()
    _check(seen, state, note or "")
    with transaction.atomic():
        conn = connection()
        dirty.lock_judging(conn, project_id=project_id)
        wanted = {(one.execution_id, one.detector): one.state for one in seen}
        found, changed, moments = write_states(
            conn, project_id=project_id, seen=wanted, state=state, by=by, note=note, now=now
        )
        if not found:
            raise UnknownAnomaly(
                "There is no such anomaly in this project, or it was judged anew and is none any more."
            )
        waste_sums.remake(conn, project_id=project_id, moments=moments)
        proposed = _propose(conn, project_id, set(changed), now) if state == Anomaly.State.NOT_WASTE else ()
    return Verdict(len(changed), found - len(changed), len(wanted) - found, tuple(proposed))


def write_states(
    conn: Connection[Any],
    *,
    project_id: int,
    seen: Mapping[Pair, str],
    state: str,
    by: str,
    note: str | None,
    now: datetime,
) -> tuple[int, list[Pair], list[datetime]]:
    """Change those of (execution, detector) that are as seen. How many are there at all, the (detector, task type) of
    each that was changed, and when its run began."""
    arguments = {
        "project": project_id,
        "executions": [execution_id for execution_id, _ in seen],
        "detectors": [detector for _, detector in seen],
        "seen": list(seen.values()),
        "state": state,
        "by": by,
        "note": note,
        "now": now,
    }
    with conn.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(statement(__package__, "write_states"), arguments).fetchone() or (0, [], [], [])
    return row[0], list(zip(row[1] or (), row[2] or (), strict=True)), row[3] or []


def proposals(conn: Connection[Any], *, project_id: int) -> list[Proposal]:
    """What is proposed and not decided, where enough verdicts still stand behind it."""
    rows = list(AllowedWaste.objects.filter(_PENDING, project_id=project_id).order_by("proposed_at", "pk"))
    times = not_waste_since(conn, project_id=project_id, since={(one.detector, one.task_type): _EVER for one in rows})
    found = [
        Proposal(one.pk, one.detector, one.task_type, times.get((one.detector, one.task_type), 0), one.proposed_at)
        for one in rows
    ]
    return [one for one in found if one.times >= PROPOSED_AFTER]


def allowed(*, project_id: int) -> dict[str, list[str]]:
    """The task types that each detector lets pass, by name."""
    in_force = AllowedWaste.objects.filter(project_id=project_id, accepted_at__isnull=False, dismissed_at=None)
    found: dict[str, list[str]] = {}
    for detector, task_type in in_force.order_by("detector", "task_type").values_list("detector", "task_type"):
        found.setdefault(detector, []).append(task_type)
    return found


def decide(*, project_id: int, proposal_id: int, accept: bool, user_id: int, by: str, now: datetime) -> Pair:
    """Accept or dismiss a proposal; its (detector, task type). Who did so stands in its history. Raises
    UnknownProposal."""
    with transaction.atomic():
        pending = AllowedWaste.objects.filter(_PENDING, pk=proposal_id, project_id=project_id)
        said: dict[str, Any] = {"accepted_at": now, "accepted_by": by} if accept else {"dismissed_at": now}
        if not pending.update(**said):
            raise UnknownProposal("There is no such proposal in this project, or it is decided already.")
        one = AllowedWaste.objects.get(pk=proposal_id)
        word = "Accepted" if accept else "Dismissed"
        LogEntry.objects.log_actions(user_id, [one], CHANGE, f"{word} on the Anomalies page.", single_object=True)
    return one.detector, one.task_type


def accept(chosen: Collection[int], *, by: str, now: datetime) -> int:
    """Let these allowances' task types pass, whatever was decided before; how many were not in force."""
    others = AllowedWaste.objects.filter(pk__in=chosen).exclude(accepted_at__isnull=False, dismissed_at=None)
    return others.update(accepted_at=now, accepted_by=by, dismissed_at=None)


def end(chosen: Collection[int], *, now: datetime) -> int:
    """Let detectors flag these allowances' task types again; how many were in force."""
    in_force = AllowedWaste.objects.filter(pk__in=chosen, accepted_at__isnull=False, dismissed_at=None)
    return in_force.update(dismissed_at=now)


def not_waste_since(conn: Connection[Any], *, project_id: int, since: Mapping[Pair, datetime]) -> dict[Pair, int]:
    """How often people called anomalies of a (detector, task type) no waste, each pair since its own moment."""
    if not since:
        return {}
    arguments = {
        "project": project_id,
        "detectors": [detector for detector, _ in since],
        "task_types": [task_type for _, task_type in since],
        "since": list(since.values()),
    }
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(statement(__package__, "not_waste_since"), arguments).fetchall()
    return {(detector, task_type): times for detector, task_type, times in rows}


def _check(seen: Sequence[Seen], state: str, note: str) -> None:
    if state not in STATES:
        raise BadVerdict(f"{state!r} is not a state; states are {', '.join(STATES)}.")
    if not seen:
        raise BadVerdict("Choose at least one anomaly.")
    if len(seen) > MOST_AT_ONCE:
        raise BadVerdict(f"{len(seen)} anomalies are too many at once; {MOST_AT_ONCE} are the most.")
    if len(note) > MOST_LETTERS:
        raise BadVerdict(f"The note has {len(note):,} characters; {MOST_LETTERS:,} are the most.")
    words = [note, *(word for one in seen for word in (one.execution_id, one.detector, one.state))]
    if any("\0" in word for word in words):
        raise BadVerdict("A note or a name holds the character NUL, which cannot be kept.")


def _propose(conn: Connection[Any], project_id: int, pairs: set[Pair], now: datetime) -> list[Pair]:
    """Propose an allowance for those pairs that have verdicts enough, where none is pending or in force."""
    named = sorted(pair for pair in pairs if pair[1])
    known = {
        (one.detector, one.task_type): one
        for one in AllowedWaste.objects.filter(project_id=project_id, task_type__in=[of_it for _, of_it in named])
    }
    since = {
        pair: known[pair].dismissed_at or _EVER if pair in known else _EVER
        for pair in named
        if pair not in known or known[pair].dismissed_at
    }
    times = not_waste_since(conn, project_id=project_id, since=since)
    return [pair for pair in since if times.get(pair, 0) >= PROPOSED_AFTER and _proposed(project_id, pair, now)]


def _proposed(project_id: int, pair: Pair, now: datetime) -> bool:
    """Write a proposal down; False where somebody else was faster."""
    detector, task_type = pair
    key: dict[str, Any] = {"project_id": project_id, "detector": detector, "task_type": task_type}
    _, made = AllowedWaste.objects.get_or_create(**key)
    again: dict[str, Any] = {"proposed_at": now, "accepted_at": None, "accepted_by": "", "dismissed_at": None}
    return made or bool(AllowedWaste.objects.filter(**key, dismissed_at__isnull=False).update(**again))
