"""RUNS: executions are added up anew when their calls change, so that each can be judged within seconds.

    a fold notes its minutes ─▶ marks of an hour are taken ─▶ executions found ─▶ added up, rows replaced ─▶ judged

The notes are written in the fold's transaction and taken in the step's, with whatever `then` does in it, so that a kill
at any moment loses nothing. Nothing is ever added to a row: twice is harmless. Newest hours come first. The calls of a
long execution lie among many of others; it is only noted, and added up in steps of its own, each of which comes when
ten times what the last one took has passed, as for all others: neither can keep the database busy for more than a tenth
of the time, and long ones do not keep the short ones waiting.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from psycopg import Connection
from psycopg.rows import class_row, scalar_row, tuple_row

from telemetry.ledger import dirty, retention
from telemetry.series import fold_state, run_repeats, run_sums
from telemetry.series.buckets import EVER
from telemetry.series.comparisons import LONGEST_EXECUTION
from telemetry.series.run_sums import Reach
from telemetry.series.turns import Busy, InTransaction, turn
from telemetry.statements import statement

MOST_MARKS = 10_000  # of one hour, that one transaction takes
MOST_RUNS = 50_000  # that one statement adds up
LONG = timedelta(hours=6)  # of calls to read for one execution
SPACING = 10  # a step is due when ten times of what the last ones took has passed,
MOST_WAIT = timedelta(minutes=10)  # or this
_LONG_HOUR = EVER[0]  # bears the marks of long executions, before all hours that calls may have
_BEAT_S = 60.0
_FAILED = timedelta(seconds=10)  # counts as what a step took that failed
_NEWEST = 2**63 - 1
_ROOM = "SET LOCAL work_mem = '32MB'"  # for what is added up at once, which else goes to the disk
_log = logging.getLogger(__name__)


class Then(Protocol):
    """What follows in the transaction of a step: with the executions whose runs changed, or are gone, in order."""

    def __call__(self, conn: Connection[Any], project_id: int, keys: Sequence[str], /) -> object: ...


@dataclass(frozen=True, slots=True)
class _State:
    """When runs of a project, the long ones or the others, were last added up, and what that took."""

    project_id: int
    is_long: bool
    summed_at: datetime
    sum_ms: int

    def is_due(self, now: datetime) -> bool:
        """Whether that is long enough ago; a clock that was set back says nothing."""
        wait = min(timedelta(milliseconds=self.sum_ms) * SPACING, MOST_WAIT)
        return not self.summed_at <= now < self.summed_at + wait


@dataclass(slots=True)
class _Summing:
    """Adding up what is marked of a project up to `until`, step by step; `spent_s` is what that took so far."""

    project_id: int
    is_long: bool
    now: datetime
    until: int = _NEWEST
    then: Then | None = None
    spent_s: float = 0.0
    began: float = field(default_factory=time.monotonic)

    @property
    def moment(self) -> datetime:
        """`now`, as it goes on."""
        return self.now + timedelta(seconds=time.monotonic() - self.began)

    @property
    def marks(self) -> dict[str, Any]:
        """Which marks are to be taken."""
        first, last = (_LONG_HOUR, _LONG_HOUR) if self.is_long else (_LONG_HOUR + timedelta(hours=1), EVER[1])
        return {"project": self.project_id, "first": first, "last": last, "until": self.until}


def mark(conn: Connection[Any], *, project_id: int, minutes: Sequence[datetime]) -> None:
    """Note that these minutes were folded, in the transaction that folds them."""
    if minutes:
        mark_runs(conn, project_id=project_id, minutes=minutes)


def sum_due(conn: Connection[Any], *, now: datetime, then: Then | None = None) -> None:
    """Add up the runs of projects that are due, a step of each in turn. One that fails is logged and put off. Where
    nothing is marked, that is found out by one statement. Raises psycopg.Error where the database is away."""
    due, end = deque(_due(conn, now, then)), time.monotonic() + _BEAT_S
    while due and time.monotonic() < end:
        summing = due.popleft()
        try:
            if not _step(conn, summing, wait_s=0):
                due.append(summing)
        except Busy:
            continue
        except Exception:  # noqa: BLE001 (also what `then` raises must not keep other projects from being added up)
            _fail(conn, summing)


def catch_up(
    conn: Connection[Any], *, project_id: int, now: datetime, patience_s: float, then: Then | None = None
) -> bool:
    """Whether all runs are added up that were marked when this was asked for, which may take so many seconds. What is
    not folded yet is not marked. Without `then`, what is added up here is judged by nobody before the night. Raises
    psycopg.Error where not even marks can be read, InTransaction; what fails otherwise is logged and put off."""
    end, until = time.monotonic() + patience_s, newest_run_mark(conn, project_id=project_id)
    for is_long in (False, True) if until else ():
        summing = _Summing(project_id, is_long, now, _NEWEST if is_long else until, then)
        while is_run_marked(conn, summing):
            if not _is_stepped(conn, summing, wait_s=end - time.monotonic()):
                return False
    return True


def lock(conn: Connection[Any], *, project_id: int) -> None:
    """Let nobody add up runs of this project until the transaction ends."""
    dirty.lock_runs(conn, project_id=project_id)


def _due(conn: Connection[Any], now: datetime, then: Then | None) -> Iterator[_Summing]:
    """What has marks and whose last step is long enough ago, in random order, for one at which the server breaks down
    would keep all after it waiting; long runs last."""
    marked = run_marked_projects(conn)
    if not marked:
        return
    states = {(state.project_id, state.is_long): state for state in run_states(conn)}
    existing = {project_id for project_id, _ in fold_state.project_zones(conn)}
    random.shuffle(marked)
    for project_id, is_long in sorted(marked, key=lambda one: one[1]):
        state = states.get((project_id, is_long))
        if project_id in existing and (state is None or state.is_due(now)):
            yield _Summing(project_id, is_long, now, then=then)


def _is_stepped(conn: Connection[Any], summing: _Summing, *, wait_s: float) -> bool:
    """One step for somebody who waits so long for it; whether it was done."""
    if wait_s <= 0:
        return False
    try:
        _step(conn, summing, wait_s=wait_s)
    except Busy:
        return False
    except InTransaction:
        raise
    except Exception:  # noqa: BLE001 (as for the beat)
        _fail(conn, summing)
        return False
    return True


def _step(conn: Connection[Any], summing: _Summing, *, wait_s: float) -> bool:
    """One transaction; whether no mark is left. Raises Busy, and whatever goes wrong; then nothing has changed."""
    began = time.monotonic()
    try:
        with turn(conn, slot=dirty.slot(summing.project_id, work="runs"), wait_s=wait_s):
            minutes, keys = take_run_marks(conn, summing)
            _, kept_from = retention.project_retention(conn, project_id=summing.project_id)
            conn.execute(_ROOM)
            if summing.is_long:
                _sum_long(conn, summing, keys, kept_from)
            else:
                _sum_touched(conn, summing, minutes, kept_from)
            write_run_state(conn, summing, took_s=summing.spent_s + time.monotonic() - began)
            return not is_run_marked(conn, summing)
    finally:
        summing.spent_s += time.monotonic() - began


def _sum_touched(
    conn: Connection[Any], summing: _Summing, minutes: Collection[datetime], kept_from: datetime | None
) -> None:
    """Add up the executions that changes in these minutes concern, those near in time at once; note the long ones."""
    project_id = summing.project_id
    keys = run_sums.touched_runs(conn, project_id=project_id, minutes=minutes)
    for place in range(0, len(keys), MOST_RUNS):
        some = keys[place : place + MOST_RUNS]
        reach = run_sums.reach_of_runs(conn, project_id=project_id, keys=some, kept_from=kept_from, longest=LONG)
        _replace(conn, summing, reach)


def _sum_long(conn: Connection[Any], summing: _Summing, keys: Collection[str], kept_from: datetime | None) -> None:
    """Add up those of these executions that began within some days, newest first; the others stay noted."""
    reach = run_sums.reach_of_runs(
        conn, project_id=summing.project_id, keys=sorted(keys), kept_from=kept_from, within=LONGEST_EXECUTION
    )
    _replace(conn, summing, reach)


def _replace(conn: Connection[Any], summing: _Summing, reach: Reach) -> None:
    """Replace the rows of executions, forget those that are gone, note those for later, and do what follows."""
    changed = run_sums.write_runs(conn, project_id=summing.project_id, reach=reach)
    run_repeats.note_repeats(conn, project_id=summing.project_id, keys=changed)
    changed += run_sums.clear_runs(conn, project_id=summing.project_id, keys=reach.gone)
    if reach.later:
        mark_long_runs(conn, project_id=summing.project_id, keys=reach.later)
    if changed and summing.then is not None:
        summing.then(conn, summing.project_id, sorted(changed))


def _fail(conn: Connection[Any], summing: _Summing) -> None:
    """A project whose runs could not be added up is tried again after a while."""
    _log.exception("The runs of project %s could not be added up.", summing.project_id)
    write_run_state(conn, summing, took_s=max(_FAILED.total_seconds(), summing.spent_s))


def mark_runs(conn: Connection[Any], *, project_id: int, minutes: Sequence[datetime]) -> None:
    """Add a mark for each UTC hour of minutes."""
    conn.execute(statement(__package__, "mark_runs"), {"project": project_id, "minutes": list(minutes)})


def mark_long_runs(conn: Connection[Any], *, project_id: int, keys: Sequence[str]) -> None:
    """Add a mark for long executions."""
    arguments = {"project": project_id, "hour": _LONG_HOUR, "keys": list(keys)}
    conn.execute(statement(__package__, "mark_long_runs"), arguments)


def take_run_marks(conn: Connection[Any], summing: _Summing) -> tuple[list[datetime], list[str]]:
    """Take marks of the newest hour that has some: the minutes and the executions that they name."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        arguments = summing.marks | {"most": MOST_MARKS}
        return cursor.execute(statement(__package__, "take_run_marks"), arguments).fetchone() or ([], [])


def is_run_marked(conn: Connection[Any], summing: _Summing) -> bool:
    """Whether there are marks to take."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return bool(cursor.execute(statement(__package__, "is_run_marked"), summing.marks).fetchone())


def newest_run_mark(conn: Connection[Any], *, project_id: int) -> int:
    """The newest mark of a project; 0 where there is none."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return int(cursor.execute(statement(__package__, "newest_run_mark"), {"project": project_id}).fetchone() or 0)


def run_marked_projects(conn: Connection[Any]) -> list[tuple[int, bool]]:
    """The projects in which runs wait to be added up, and whether these are long ones."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(statement(__package__, "run_marked_projects"), {"hour": _LONG_HOUR}).fetchall()


def run_states(conn: Connection[Any]) -> list[_State]:
    """When runs of all projects were last added up."""
    with conn.cursor(row_factory=class_row(_State)) as cursor:
        return cursor.execute(statement(__package__, "run_states")).fetchall()


def write_run_state(conn: Connection[Any], summing: _Summing, *, took_s: float) -> None:
    """Note when runs of a project were added up."""
    arguments = {
        "project": summing.project_id,
        "is_long": summing.is_long,
        "summed_at": summing.moment,
        "sum_ms": int(took_s * 1000),
    }
    conn.execute(statement(__package__, "write_run_state"), arguments)
