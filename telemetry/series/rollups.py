"""FOLD: what changed is summed up again, so that pages read sums and not calls.

Each transaction of the ledger marks the minutes that it changed. A fold takes marks, makes these minutes anew, then the
quarters of an hour and the days that hold them, all in one transaction under the project's lock. It adds to nothing, so
that folding twice is harmless, and whatever order things come in, the sums are those of the calls. Source: sql.md §2.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import Connection

from telemetry.ledger import dirty, retention
from telemetry.series import comparisons, fold_state, rollup_tables, runs, session_totals, waste_sums
from telemetry.series.buckets import EVER, MINUTE, QUARTER, all_days, day_span, days, floor, spans
from telemetry.series.fold_state import State
from telemetry.series.rollup_tables import Changed
from telemetry.series.turns import Busy, turn
from telemetry.series.window import time_zone

MOST_MARKS = 10_000  # of one day, that one transaction takes
KEPT, KEPT_AT_MOST = timedelta(days=2), timedelta(days=3)  # minutes, in which most changes fall
SPACING = 10  # a fold is due when ten times of what the last one took has passed,
MOST_WAIT = timedelta(minutes=1)  # or this
BEAT_LATE = timedelta(seconds=10)  # after which the beat, which folds as soon as it may, does not seem to run
CHEAP = timedelta(milliseconds=100)
_GLANCE_S = 1.0  # what somebody without patience may spend
_BEAT_S = 60.0
_LOCK_S = 60.0
_FAILED = timedelta(seconds=10)  # counts as what a fold took that failed
_FAILURES = (psycopg.Error, ValueError, ArithmeticError)  # a zone that this machine does not know is a ValueError
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far a project is folded: its newest folded call, the zone that its days are cut in (None: nothing was folded
    yet), and whether all that was committed when it was asked for is folded."""

    fresh_to: datetime | None
    zone: str | None
    is_clean: bool


@dataclass(slots=True)
class _Run:
    """Folding what is marked up to `until`, transaction by transaction; `spent_s` is what it took so far."""

    project_id: int
    now: datetime
    until: int
    spent_s: float = 0.0
    began: float = field(default_factory=time.monotonic)

    @property
    def moment(self) -> datetime:
        """`now`, as the run goes on."""
        return self.now + timedelta(seconds=time.monotonic() - self.began)


@dataclass(frozen=True, slots=True)
class _Cut:
    """Where a fold cuts: days in `zone`, and quarters from `minutes_from_at` on into minutes. Calls before
    `calls_from_at` may be gone, so what is before it stays as it was summed up while they were there."""

    zone: str
    minutes_from_at: datetime
    calls_from_at: datetime | None


def catch_up(conn: Connection[Any], *, project_id: int, now: datetime, patience: float = 0.0) -> Freshness:
    """Fold what is marked, for somebody who reads next and has so many seconds. Without patience: wait for no lock,
    fold only where the last fold was cheap, or the beat should have folded long since, and give up after a second, for
    much may have come since. What cannot be folded is logged and left. Raises psycopg.Error where not even the state
    can be read, InTransaction."""
    until = fold_state.newest_mark(conn, project_id=project_id)
    state = fold_state.fold_state(conn, project_id=project_id)
    is_cut = state is None or state.zone == fold_state.project_zone(conn, project_id=project_id)
    is_clean = not until and is_cut
    if not is_clean and (
        patience or (is_cut and (state is None or state.took <= CHEAP or _is_spaced(state, now, BEAT_LATE)))
    ):
        is_clean = _fold_for_reader(conn, _Run(project_id, now, until), patience)
        state = fold_state.fold_state(conn, project_id=project_id)
    return Freshness(state.newest_call_at, state.zone, is_clean) if state else Freshness(None, None, is_clean)


def fold_due(conn: Connection[Any], *, now: datetime) -> None:
    """Fold the projects that are due, a transaction of each in turn. One that cannot be folded is logged and put off.
    Raises psycopg.Error where the database is away."""
    runs, end = deque(_due(conn, now)), time.monotonic() + _BEAT_S
    while runs and time.monotonic() < end:
        run = runs.popleft()
        try:
            if not _step(conn, run, wait_s=0):
                runs.append(run)
        except Busy:
            continue
        except _FAILURES:  # it must not keep others from being folded
            _fail(conn, run)


def rebuild(
    conn: Connection[Any], *, project_id: int, now: datetime, first: date | None = None, last: date | None = None
) -> Iterator[tuple[date, date]]:
    """Make all rollups anew, or those of local days (both inclusive), a day in a transaction, oldest first. Yields each
    day that is done, with the last one. Raises psycopg.Error, Busy; then days that were yielded are done."""
    catch_up(conn, project_id=project_id, now=now, patience=_BEAT_S)  # cuts the days in the project's zone
    recorded = fold_state.recorded_range(conn, project_id=project_id)
    if recorded is None:
        return
    state = fold_state.fold_state(conn, project_id=project_id)
    tz = time_zone(state.zone if state else fold_state.project_zone(conn, project_id=project_id))
    day, end = (moment.astimezone(tz).date() for moment in recorded)
    day, end = max(day, first or day), min(end, last or end)
    run = _Run(project_id, now, 0)
    while day <= end:
        _rebuild_day(conn, run, day)
        yield day, end
        day += timedelta(days=1)


def lock(conn: Connection[Any], *, project_id: int) -> None:
    """Let nobody fold this project until the transaction ends."""
    dirty.lock_folding(conn, project_id=project_id)


def _fold_for_reader(conn: Connection[Any], run: _Run, patience: float) -> bool:
    """Whether all that was marked is folded."""
    try:
        while (left := (patience or _GLANCE_S) - run.spent_s) > 0:
            if _step(conn, run, wait_s=left if patience else 0, most_s=None if patience else left):
                return True
    except Busy:
        return False
    except psycopg.errors.QueryCanceled:
        if patience:  # nobody asked for it
            _fail(conn, run)
        return False
    except _FAILURES:
        _fail(conn, run)
    return False


def _due(conn: Connection[Any], now: datetime) -> Iterator[_Run]:
    """The projects with something to fold or to forget, whose last fold is long enough ago."""
    marked, states = fold_state.marked_projects(conn), fold_state.fold_states(conn)
    zones = fold_state.project_zones(conn)
    random.shuffle(zones)  # or one at which the server breaks down would keep all after it from being folded
    for project_id, zone in zones:
        state = states.get(project_id)
        is_unlike = state is not None and (state.zone != zone or state.minutes_from_at < now - KEPT_AT_MOST)
        if (project_id in marked or is_unlike) and (state is None or _is_spaced(state, now)):
            yield _Run(project_id, now, fold_state.newest_mark(conn, project_id=project_id))


def _is_spaced(state: State, now: datetime, late: timedelta = timedelta()) -> bool:
    """Whether the last fold is long enough ago for what it took, and `late` more; a clock that was set back says
    nothing."""
    return not state.folded_at <= now < state.folded_at + min(state.took * SPACING, MOST_WAIT) + late


def _step(conn: Connection[Any], run: _Run, *, wait_s: float, most_s: float | None = None) -> bool:
    """One transaction of a run, each statement within `most_s`; whether it is done. Raises Busy, psycopg.Error; then
    nothing has changed."""
    began = time.monotonic()
    try:
        with turn(conn, slot=dirty.slot(run.project_id), wait_s=wait_s):
            if most_s is not None:
                conn.execute("SELECT set_config('statement_timeout', %s, true)", [f"{max(1, int(most_s * 1000))}ms"])
            return _fold(conn, run, began)
    finally:
        run.spent_s += time.monotonic() - began


def _fold(conn: Connection[Any], run: _Run, began: float) -> bool:
    """Take the marks of a day and make what they name anew; whether no other was left. Marks are taken before anything
    is read, so that what is committed meanwhile stays marked."""
    state = fold_state.fold_state(conn, project_id=run.project_id)
    zone = fold_state.project_zone(conn, project_id=run.project_id)
    minutes = fold_state.take_dirty(conn, project_id=run.project_id, until=run.until, most=MOST_MARKS)
    cut = _cut(conn, run, zone, state)
    is_recut = state is not None and state.zone != zone
    if minutes or is_recut or (state and state.minutes_from_at != cut.minutes_from_at):
        sessions = _make(conn, run.project_id, sorted(minutes), cut=cut)
        if is_recut:
            _recut(conn, run.project_id, cut.zone)
        session_totals.refresh(conn, project_id=run.project_id, sessions=sessions)
        _note(conn, run, cut, took_s=run.spent_s + time.monotonic() - began)
    return not minutes or not fold_state.is_marked(conn, project_id=run.project_id, until=run.until)


def _make(
    conn: Connection[Any], project_id: int, minutes: Sequence[datetime], *, cut: _Cut, is_whole: bool = False
) -> set[str]:
    """Make anew the buckets that hold those minutes: what changed in them, or (`is_whole`) each row. Quarters before
    `minutes_from_at` are read from calls as wholes, which stand in the table of minutes until they are rolled up.
    Returns the sessions that changed."""
    minutes = [minute for minute in minutes if cut.calls_from_at is None or minute >= cut.calls_from_at]
    quarters = spans(minutes, QUARTER)
    whole = [span for span in quarters if span[0] < cut.minutes_from_at]
    single = spans((minute for minute in minutes if minute >= cut.minutes_from_at), MINUTE)
    touched = days((start for start, _ in quarters), time_zone(cut.zone))
    rollup_tables.forget_minutes(conn, project_id=project_id, before=cut.minutes_from_at)
    rows = rollup_tables.rows_of(conn, rollup_tables.SESSION_QUARTERS, project_id=project_id, spans=whole)
    rows |= rollup_tables.rows_of(conn, rollup_tables.MINUTES, project_id=project_id, spans=single)
    rollup_tables.replace_minutes(conn, project_id=project_id, spans=[*whole, *single])
    rows |= rollup_tables.rows_of(conn, rollup_tables.MINUTES, project_id=project_id, spans=[*whole, *single])
    sessions, series = {session for session, _ in rows}, {series for _, series in rows}
    changed = None if is_whole else Changed(sessions, series)
    rollup_tables.replace(conn, rollup_tables.QUARTERS, project_id=project_id, spans=quarters, changed=changed)
    rollup_tables.replace(conn, rollup_tables.DAYS, project_id=project_id, spans=touched, changed=changed)
    if whole:
        rollup_tables.forget_minutes(conn, project_id=project_id, before=cut.minutes_from_at)
    comparisons.compare(conn, project_id=project_id, spans=[*whole, *single], calls_from_at=cut.calls_from_at)
    runs.mark(conn, project_id=project_id, minutes=minutes)
    return sessions


def _recut(conn: Connection[Any], project_id: int, zone: str) -> None:
    """Make all days anew in another zone."""
    for rollup in rollup_tables.DAYS:
        rollup_tables.clear_span(conn, rollup, project_id=project_id, span=EVER)
    kept = fold_state.quarter_range(conn, project_id=project_id)
    cut = all_days(*kept, time_zone(zone)) if kept else []
    rollup_tables.replace(conn, rollup_tables.DAYS, project_id=project_id, spans=cut)


def _rebuild_day(conn: Connection[Any], run: _Run, day: date) -> None:
    """Make a local day anew, minute by minute, whatever is marked."""
    began = time.monotonic()
    with turn(conn, slot=dirty.slot(run.project_id), wait_s=_LOCK_S):
        state = fold_state.fold_state(conn, project_id=run.project_id)
        zone = state.zone if state else fold_state.project_zone(conn, project_id=run.project_id)
        cut = _cut(conn, run, zone, state)
        start, end = day_span(day, time_zone(zone))
        minutes = [start + n * MINUTE for n in range((end - start) // MINUTE)]
        for rollup in rollup_tables.DAYS if cut.calls_from_at is None or cut.calls_from_at < end else ():
            # whatever begins in that day: once its zone had other rules, it was another day
            rollup_tables.clear_span(conn, rollup, project_id=run.project_id, span=(start, end))
        sessions = _make(conn, run.project_id, minutes, cut=cut, is_whole=True)
        session_totals.refresh(conn, project_id=run.project_id, sessions=sessions)
        waste_sums.rebuild(conn, project_id=run.project_id, start=start, end=end)
        _note(conn, run, cut, took_s=time.monotonic() - began)


def _cut(conn: Connection[Any], run: _Run, zone: str, state: State | None) -> _Cut:
    """Read under the project's lock, in statements of their own: what expiry noted before it took calls is seen."""
    _, calls_from_at = retention.project_retention(conn, project_id=run.project_id)
    return _Cut(zone, _minutes_from_at(state, run.now), calls_from_at)


def _minutes_from_at(state: State | None, now: datetime) -> datetime:
    """From when on minutes are kept. It only ever grows: minutes from then on are complete, however clocks are set."""
    known = state and state.minutes_from_at
    return known if known and known >= now - KEPT_AT_MOST else floor(now - KEPT, QUARTER)


def _note(conn: Connection[Any], run: _Run, cut: _Cut, *, took_s: float) -> None:
    fold_state.write_state(
        conn,
        project_id=run.project_id,
        zone=cut.zone,
        minutes_from_at=cut.minutes_from_at,
        folded_at=run.moment,
        took=timedelta(seconds=took_s),
    )


def _fail(conn: Connection[Any], run: _Run) -> None:
    """A project that could not be folded is tried again after a while."""
    _log.exception("Project %s could not be folded.", run.project_id)
    fold_state.put_off(
        conn,
        project_id=run.project_id,
        minutes_from_at=_minutes_from_at(None, run.now),
        folded_at=run.moment,
        took=max(_FAILED, timedelta(seconds=run.spent_s)),
    )
