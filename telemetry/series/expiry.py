"""Expiry: calls that are older than what is kept go, their sums stay.

    fold what waits ─▶ note up to when calls may be gone ─▶ drop partitions ─▶ delete calls of projects ─▶ purge

The note comes first and holds for ever: what is before it is never counted anew, whatever arrives late and whatever
the settings become. Every step may be killed and is taken up by the next run; two runs never work at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.errors import LockNotAvailable
from psycopg.rows import class_row, scalar_row

from telemetry.ledger import dirty, dropping, purging, retention, skill_loads
from telemetry.series import rollups, runs, waste_sums
from telemetry.statements import statement

_LOCK = 7_346_002
_PATIENCE_S = 60.0  # for the sums of one project
LARGEST_CLOCK_DIFFERENCE = timedelta(minutes=5)


class ClockAhead(RuntimeError):
    """This machine's clock is ahead of the database's, so calls that are not old would be dropped."""


class Busy(RuntimeError):
    """Another run is at work."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A project as far as expiry goes: its own days, and the moment before which its calls may be gone."""

    id: int
    slug: str
    retention_days: int | None
    calls_kept_from_at: datetime | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to go: partitions whole, by their short names; and for each project with a horizon, the moment before
    which nothing of it is kept. `left` are partitions that an earlier run did not finish with."""

    partitions: list[str]
    projects: list[tuple[Tenant, datetime]]
    left: list[str]


@dataclass(slots=True)
class Expired:
    """What went. `waiting`: projects of which something stays until whoever makes their sums is done. `is_done`: there
    was time for all, and nothing is half done."""

    partitions: list[str] = field(default_factory=list)
    calls: int = 0
    executions: int = 0
    points: int = 0
    quarantined: int = 0
    skill_loads: int = 0
    waiting: list[str] = field(default_factory=list)
    is_done: bool = True


def plan(conn: Connection[Any], *, now: datetime) -> Plan:
    """What a run at `now` would take away. Raises psycopg.Error."""
    tenants = [
        (one, retention.gone_before(days, now=now))
        for one in projects_kept(conn)
        if (days := retention.days_kept(one.retention_days)) is not None
    ]
    days = retention.days_kept(None)
    expired = [] if days is None else dropping.expired_partitions(conn, before=retention.gone_before(days, now=now))
    pending = dropping.pending_detach(conn)
    left = [name for name, _ in dropping.detached_partitions(conn)]
    return Plan(expired, tenants, [pending, *left] if pending else left)


def expire(conn: Connection[Any], *, now: datetime, patience_s: float = float("inf")) -> Expired:
    """Take away what has expired, for about `patience_s`; what is left over is for the next run. Outside of a
    transaction. Raises ClockAhead, Busy, psycopg.Error."""
    until, done = time.monotonic() + patience_s, Expired()
    with _alone(conn):
        if now - database_now(conn) > LARGEST_CLOCK_DIFFERENCE:
            raise ClockAhead("This machine's clock is ahead of the database's; nothing was dropped.")
        wanted = plan(conn, now=now)
        for tenant, before in wanted.projects:
            if time.monotonic() > until or not _note_gone(conn, tenant, before, now=now):
                done.waiting.append(tenant.slug)
        ready = [(tenant, before) for tenant, before in wanted.projects if tenant.slug not in done.waiting]
        done.partitions = list(dropping.drop_expired(conn, before=_shared_mark(conn, now), until=until))
        for tenant, before in ready:
            _purge(conn, tenant, before, until, done)
    done.is_done = time.monotonic() < until and dropping.is_clear(conn)
    return done


def _note_gone(conn: Connection[Any], tenant: Tenant, before: datetime, *, now: datetime) -> bool:
    """Note that a project's calls before a moment may be gone; False where some of them wait to be counted. Folds that
    began earlier have ended by then, and the summing of runs too; later ones see the note."""
    if tenant.calls_kept_from_at is not None and tenant.calls_kept_from_at >= before:
        return True
    if not rollups.catch_up(conn, project_id=tenant.id, now=now, patience=_PATIENCE_S).is_clean:
        return False
    try:
        with conn.transaction():
            rollups.lock(conn, project_id=tenant.id)
            runs.lock(conn, project_id=tenant.id)
            if is_unfolded(conn, project_id=tenant.id, before=before):
                return False
            note_gone(conn, project_id=tenant.id, before=before)
    except LockNotAvailable:  # a fold that takes long
        return False
    return True


def _shared_mark(conn: Connection[Any], now: datetime) -> datetime | None:
    """The moment before which no project keeps calls, all being noted; None where the instance keeps everything."""
    days = retention.days_kept(None)
    if days is None:
        return None
    before = retention.gone_before(days, now=now)
    noted = [one.calls_kept_from_at for one in projects_kept(conn)]
    return None if None in noted else min([before, *(moment for moment in noted if moment)])


def _purge(conn: Connection[Any], tenant: Tenant, before: datetime, until: float, done: Expired) -> None:
    """Delete what no partition takes with it. A month that is not wholly over keeps its calls, unless the project
    itself keeps less than the instance."""
    limits: dict[str, Any] = {"project_id": tenant.id, "before": before}
    shared = retention.days_kept(None)
    if tenant.retention_days is not None and (shared is None or tenant.retention_days < shared):
        done.calls += purging.purge_project_calls(conn, **limits, until=until)
    done.points += purging.purge_ended_meters(conn, **limits, until=until)
    try:
        while time.monotonic() < until and (count := _purge_executions(conn, **limits)):
            done.executions += count
    except LockNotAvailable:  # judging that takes long
        done.waiting.append(tenant.slug)
    while time.monotonic() < until and (count := purging.purge_quarantined(conn, **limits)):
        done.quarantined += count
    while time.monotonic() < until and (count := skill_loads.purge_skill_loads(conn, **limits)):
        done.skill_loads += count


def _purge_executions(conn: Connection[Any], *, project_id: int, before: datetime) -> int:
    """Delete a page of executions with their runs, their anomalies and what these are in the sums of waste. Returns how
    many; 0: none is left. Raises LockNotAvailable."""
    with conn.transaction():
        dirty.lock_judging(conn, project_id=project_id)  # else who judges now makes sums of what goes here
        if keys := purging.purge_executions(conn, project_id=project_id, before=before):
            moments = purging.purge_anomalies(conn, project_id=project_id, keys=keys)
            purging.purge_runs(conn, project_id=project_id, keys=keys)
            waste_sums.remake(conn, project_id=project_id, moments=moments)
        return len(keys)


def projects_kept(conn: Connection[Any]) -> list[Tenant]:
    """All projects."""
    with conn.cursor(row_factory=class_row(Tenant)) as cursor:
        return cursor.execute(statement(__package__, "projects_kept")).fetchall()


def is_unfolded(conn: Connection[Any], *, project_id: int, before: datetime) -> bool:
    """Whether something of a project before a moment waits to be counted."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        arguments = {"project": project_id, "before": before}
        return bool(cursor.execute(statement(__package__, "is_unfolded"), arguments).fetchone())


def note_gone(conn: Connection[Any], *, project_id: int, before: datetime) -> None:
    """Note that a project's calls before a moment may be gone. The moment only grows."""
    conn.execute(statement(__package__, "note_gone"), {"project": project_id, "before": before})


def database_now(conn: Connection[Any]) -> datetime:
    """The database's clock."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        moment: datetime | None = cursor.execute("SELECT clock_timestamp()").fetchone()
    assert moment is not None  # noqa: S101 (for the types: one row always comes)
    return moment


@contextmanager
def _alone(conn: Connection[Any]) -> Iterator[None]:
    """Inside, this is the only run. Raises Busy."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        if not cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone():
            raise Busy("Another run is at work.")
    try:
        yield
    finally:
        if not conn.closed:
            conn.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
