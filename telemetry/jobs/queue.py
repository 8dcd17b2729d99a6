"""The queue of work that must happen once: who may do what next is decided here, by PostgreSQL.

    waiting ──take──▶ running ──finish──▶ done ──outdate──▶ waiting
       ▲                 │ fail, or the lease expires
       └── attempts < 3 ─┴── else ──▶ dead ──revive──▶ waiting

A project has one running job at most, for an index says so, and its periods are taken in order, oldest end first, days
before the week that they end. An attempt that fails is made again after a pause, and meanwhile the project's later
periods wait: six minutes and three attempts at most, then the period is dead and they go on without it. Other projects
never wait: each has its own order, and the one that was served longest ago is next.

What changes in days whose job is done makes it wait again, for an hour, in which more may come; one that runs meanwhile
is told, and waits again when it ends. So nothing that comes late is in no report, and no report is made all the time.

Leases are measured by the database's clock alone: two workers whose clocks differ would take each other's jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg.rows import class_row, scalar_row, tuple_row

from telemetry.jobs.schedule import Period
from telemetry.statements import prepared, statement

MOST_ATTEMPTS = 3
PAUSES_S = (60.0, 300.0)  # after the first and the second attempt
LEASE_S = 20.0  # what a killed worker keeps others waiting; it is extended four times as often
LATER_S = 3600.0  # from a change in days that are reported to their next report
EXPIRED = "Its worker was killed, or hung for longer than its lease."
_LONGEST_ERROR = 2_000


class LostLease(RuntimeError):
    """The job is no longer this runner's: its lease expired and somebody else took it, or its project was removed."""


@dataclass(frozen=True, slots=True)
class Due:
    """A period of a project whose work of that kind is to be done."""

    kind: str
    project_id: int
    period: Period


@dataclass(frozen=True, slots=True)
class Job:
    """A job that was taken: `lease` is what its runner shows to extend, finish or fail it."""

    id: int
    kind: str
    project_id: int
    period: str
    first_day: date
    last_day: date
    attempts: int
    lease: UUID


@dataclass(frozen=True, slots=True)
class Trouble:
    """How many jobs are dead, and how many should have been done long since; `oldest` is the first of the latter."""

    dead: int
    late: int
    oldest: str | None


def enqueue(conn: Connection[Any], wanted: Sequence[Due]) -> int:
    """Add the jobs that are not there, whatever became of those that are. Returns how many."""
    rows = sorted(wanted, key=lambda due: (due.project_id, due.kind, due.period.name))  # no two wait in a circle
    arguments = {
        "projects": [due.project_id for due in rows],
        "kinds": [due.kind for due in rows],
        "periods": [due.period.name for due in rows],
        "first_days": [due.period.first for due in rows],
        "last_days": [due.period.last for due in rows],
    }
    return conn.execute(statement(__package__, "enqueue"), arguments).rowcount if rows else 0


def take(conn: Connection[Any], *, kinds: Sequence[str], lease_s: float = LEASE_S) -> Job | None:
    """The job that is next, running from now on with a lease of so many seconds; None where none is to be done now."""
    expire_leases(conn)
    arguments = {"kinds": list(kinds), "lease": uuid4(), "lease_s": lease_s}
    try:
        with conn.transaction(), prepared(conn, class_row(Job)) as cursor:
            return cursor.execute(statement(__package__, "take"), arguments).fetchone()
    except UniqueViolation:  # somebody took another job of this project at the same moment
        return None


def expire_leases(conn: Connection[Any]) -> int:
    """Let go of jobs whose runner gave no sign of life: its attempt has failed. Returns how many."""
    arguments = {"most": MOST_ATTEMPTS, "error": EXPIRED}
    with prepared(conn, tuple_row) as cursor:
        return cursor.execute(statement(__package__, "expire_leases"), arguments).rowcount


def extend(conn: Connection[Any], job: Job, *, lease_s: float = LEASE_S) -> bool:
    """Give a sign of life; False where the job is no longer this runner's."""
    arguments = {"id": job.id, "lease": job.lease, "lease_s": lease_s}
    return conn.execute(statement(__package__, "extend"), arguments).rowcount == 1


def hold(conn: Connection[Any], job: Job) -> None:
    """Keep a job until this transaction ends, so that its result and its end are written in it and by nobody else.
    Raises LostLease. The project comes first, as where one is removed with all that it has."""
    hold_project(conn, job)
    with conn.cursor(row_factory=scalar_row) as cursor:
        held = cursor.execute(statement(__package__, "hold"), {"id": job.id, "lease": job.lease}).fetchone()
    if held is None:
        raise LostLease(f"{job.kind} of project {job.project_id} for {job.period} has another runner now.")


def hold_project(conn: Connection[Any], job: Job) -> None:
    """Let nobody remove the job's project until this transaction ends."""
    conn.execute(statement(__package__, "hold_project"), {"project": job.project_id})


def outdate(
    conn: Connection[Any], *, project_id: int, kinds: Sequence[str], first_day: date, last_day: date, since: date
) -> int:
    """Something changed in those days: what was made of them, and of days from `since` on, is to be made again. Returns
    how many jobs that concerns."""
    arguments = {
        "project": project_id,
        "kinds": list(kinds),
        "first_day": first_day,
        "last_day": last_day,
        "since": since,
        "later_s": LATER_S,
    }
    return conn.execute(statement(__package__, "outdate"), arguments).rowcount


def refresh(conn: Connection[Any], job: Job) -> None:
    """What changed until now will be in the result: to be said before it is read. A change that is not committed yet is
    waited for."""
    conn.execute(statement(__package__, "refresh"), {"id": job.id, "lease": job.lease})


def finish(conn: Connection[Any], job: Job) -> None:
    """It is done: in the transaction that wrote its result; or waits again, where that is outdated already. Raises
    LostLease; then nothing of that may stay."""
    arguments = {"id": job.id, "lease": job.lease, "later_s": LATER_S}
    if conn.execute(statement(__package__, "finish"), arguments).rowcount != 1:
        raise LostLease(f"{job.kind} of project {job.project_id} for {job.period} has another runner now.")


def fail(conn: Connection[Any], job: Job, error: BaseException) -> None:
    """The attempt failed: again after a pause, or dead. Nothing where the job is no longer this runner's."""
    arguments = {
        "id": job.id,
        "lease": job.lease,
        "most": MOST_ATTEMPTS,
        "pause_s": PAUSES_S[min(job.attempts, len(PAUSES_S)) - 1],
        "error": _readable(error),
    }
    conn.execute(statement(__package__, "fail"), arguments)


def revive(conn: Connection[Any], ids: Sequence[int]) -> int:
    """Give dead jobs three more attempts, as a person asks. Returns how many; others stay as they are."""
    return conn.execute(statement(__package__, "revive"), {"ids": sorted(ids)}).rowcount


def trouble(conn: Connection[Any], *, dead_since: datetime, late_since: datetime) -> Trouble:
    """Which jobs died since a moment, and which could have been done before another and are not."""
    arguments = {"dead_since": dead_since, "late_since": late_since}
    with conn.cursor(row_factory=class_row(Trouble)) as cursor:
        found = cursor.execute(statement(__package__, "trouble"), arguments).fetchone()
    return found or Trouble(0, 0, None)


def _readable(error: BaseException) -> str:
    """What went wrong, as a text that PostgreSQL takes, whatever the error quotes."""
    says = f"{type(error).__name__}: {error}".replace("\0", "")[:_LONGEST_ERROR]
    return says.encode("utf-8", "replace").decode()
