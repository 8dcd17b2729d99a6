"""LEARN: what a run came to is taken into the statistics of its keys once, when it is over, and written beside what was
expected of it.

    runs are added up ─▶ noted with when they will be over ─▶ those that go on are estimated again
                                                          └▶ those that are over are taken, and learned from in order

A note is taken by whoever learns, in the same transaction and with the project's runs for himself, so that a run counts
once however often it is added up again, and a kill at any moment loses nothing. What comes to a run after it was
learned from changes nothing any more.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import scalar_row

from telemetry.ledger import dirty
from telemetry.outlook.books import read_books, write_books
from telemetry.outlook.ended import runs_to_learn
from telemetry.outlook.outcomes import Outcomes, foresee
from telemetry.series.turns import Busy, turn
from telemetry.statements import statement
from telemetry.usage import RUNNING

SETTLED = timedelta(minutes=1)  # after which no more calls are awaited of a run that said how it ended,
QUIET = timedelta(minutes=30)  # of one that says nothing,
SILENCE = timedelta(hours=24)  # and of one that says it goes on
MOST_RUNS = 2_000  # that one transaction learns from
_BEAT_S = 2.0  # so that sums and judgements do not wait for it
_log = logging.getLogger(__name__)


def learn(conn: Connection[Any], *, project_id: int, keys: Sequence[str], now: datetime) -> int:
    """These runs were added up: those that go on are estimated again, those that are over are learned from, and others
    of the project that are over by now. Returns of how many that go on half of what is thinkable exceeds their budget
    now, and did not before. Raises psycopg.Error."""
    overran = 0
    with conn.transaction():
        dirty.lock_runs(conn, project_id=project_id)
        for first in range(0, len(keys), MOST_RUNS):
            some = keys[first : first + MOST_RUNS]
            note_runs(conn, project_id=project_id, keys=some)
            going = going_runs(conn, project_id=project_id, keys=some, now=now)
            overran += foresee(conn, project_id=project_id, keys=going, now=now)
        _learn_some(conn, project_id, now)
    return overran


def learn_due(conn: Connection[Any], *, now: datetime) -> None:
    """Learn from what is over in every project, some of each in turn, for some seconds. One that fails is logged.
    Where nothing is over, that is found out by one statement. Raises psycopg.Error where the database is away."""
    end = time.monotonic() + _BEAT_S
    due = projects_to_learn(conn, now=now)
    random.shuffle(due)
    while due and time.monotonic() < end:
        project_id = due.pop()
        try:
            with turn(conn, slot=dirty.slot(project_id, work="runs"), wait_s=0):
                if _learn_some(conn, project_id, now) == MOST_RUNS:
                    due.insert(0, project_id)
        except Busy:
            continue
        except Exception:  # noqa: BLE001 (one project must not keep others from learning)
            _log.exception("Nothing was learned from the runs of project %s.", project_id)


def _learn_some(conn: Connection[Any], project_id: int, now: datetime) -> int:
    """Learn from the oldest runs that are over; how many there were."""
    taken = take_due_runs(conn, project_id=project_id, now=now)
    runs = runs_to_learn(conn, project_id=project_id, keys=taken)
    if runs:
        keys = {key for run in runs for key in run.keys}
        books = read_books(conn, project_id=project_id, keys=keys, is_dated=True)
        found = Outcomes(conn, project_id=project_id, runs=runs)
        for run in runs:
            found.add(run, books)
            for measure, amount in run.amounts.items():
                books[measure].learn(run.keys, amount, run.ended_at)
        found.write()
        write_books(conn, project_id=project_id, books=books)
    return len(taken)


def note_runs(conn: Connection[Any], *, project_id: int, keys: Sequence[str]) -> None:
    """Note when these runs will be over; those that were learned from stay so."""
    arguments = {
        "project": project_id,
        "keys": list(keys),
        "running": sorted(RUNNING),
        "settled": SETTLED,
        "quiet": QUIET,
        "silence": SILENCE,
    }
    conn.execute(statement(__package__, "note_runs"), arguments)


def going_runs(conn: Connection[Any], *, project_id: int, keys: Sequence[str], now: datetime) -> list[str]:
    """Those of these runs that are not over."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        arguments = {"project": project_id, "keys": list(keys), "now": now}
        return cursor.execute(statement(__package__, "going_runs"), arguments).fetchall()


def take_due_runs(conn: Connection[Any], *, project_id: int, now: datetime) -> list[str]:
    """Take runs that are over, to be learned from now."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        arguments = {"project": project_id, "now": now, "most": MOST_RUNS}
        return cursor.execute(statement(__package__, "take_due_runs"), arguments).fetchall()


def projects_to_learn(conn: Connection[Any], *, now: datetime) -> list[int]:
    """The projects in which runs are over that were not learned from."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement(__package__, "projects_to_learn"), {"now": now}).fetchall()
