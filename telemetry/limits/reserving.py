"""Reserve ─▶ call ─▶ settle: no more is admitted than there is room for, whoever asks at once and whatever dies.

    reserve: one statement over all windows of a call, all or none      settle: what it came to, once
    expire: who never said, is charged in full                          count: what the ledger says, after all

The ledger is the truth of what was used, by whichever route its calls came. A lease bridges the time until the ledger
has the call: it is reserved while the call goes on, and counts as what it came to until that is folded. So a window is
never below what the ledger and all open calls come to; for seconds it may be above. Windows are locked in the order of
their ids, after leases. Sources: sql.md §3; reliability.md §4; docs/design.md.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import class_row, scalar_row, tuple_row

from telemetry.limits.budgets import applying
from telemetry.limits.granted import Counts, Grant, Scope
from telemetry.limits.windows import (
    HELD_BACK,
    UNPRICED_INPUT,
    UNPRICED_OUTPUT,
    Asked,
    Reserved,
    Spent,
    Stand,
    Whose,
    Window,
    drawn_on,
    windows_of,
)
from telemetry.looped import Question
from telemetry.series.window import time_zone
from telemetry.statements import array, prepared, statement

COUNTED = timedelta(seconds=10)  # for so long what the ledger said is believed
BELIEVED = timedelta(minutes=3)  # after which what somebody else reports is in the ledger, if it ever comes
HELD = timedelta(minutes=15)  # a lease, if nobody says for how long
KEPT = timedelta(days=62)  # windows and expired leases: the month that runs, and the one before
MOST_AT_ONCE = 1_000
_ATTEMPTS = 3
_log = logging.getLogger(__name__)
# A waiting lease is one that the sums do not have yet. Its call began while it was open, so that its mark is of one of
# those days; `marked` was the newest mark when it was settled, after its call was recorded.
_IS_WAITING = sql.SQL(
    "(lease.state = 'expired' OR CASE WHEN lease.is_recorded THEN EXISTS ("
    "SELECT FROM telemetry_dirty AS mark WHERE mark.project_id = %(project)s AND mark.id <= lease.marked"
    " AND mark.day BETWEEN (lease.created_at AT TIME ZONE 'UTC')::date AND (lease.ended_at AT TIME ZONE 'UTC')::date)"
    " ELSE lease.ended_at > %(believed_from)s END)"
)
_INPUT = sql.SQL("(input_uncached::numeric + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown)")
_AMOUNT = sql.SQL(
    "CASE asked.counts"
    " WHEN 'usd' THEN sum(cost_nanousd + CASE WHEN unpriced_calls > 0 THEN ceil(unpriced_calls::numeric / calls"
    " * ({unpriced_input} * {input} + {unpriced_output} * output::numeric)) ELSE 0 END)"
    " WHEN 'gross' THEN sum({input} + output)"
    " ELSE ceil(sum(100 * input_uncached::numeric + 10 * cache_read::numeric + 200 * cache_write_1h::numeric"
    " + 125 * (cache_write_5m::numeric + cache_write_unknown) + 100 * output::numeric) / 100) END"
).format(input=_INPUT, unpriced_input=sql.Literal(UNPRICED_INPUT), unpriced_output=sql.Literal(UNPRICED_OUTPUT))


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What an expired reservation is charged with in one budget, in its unit."""

    id: str
    created_at: datetime
    until_at: datetime
    budget_id: int
    scope: Scope
    subject: str
    counts: Counts
    amount: int


def grants_to(conn: Connection[Any], *, project_id: int, whose: Whose) -> list[Grant]:
    """All budgets that hold for a call."""
    return applying(
        conn,
        project_id=project_id,
        session_id=whose.session_id,
        session_type=whose.session_type,
        task_type=whose.task_type,
        agent=whose.agent,
        tier=whose.tier,
        objective=whose.objective,
        key_id=whose.key_id,
    )


def windows(conn: Connection[Any], *, project_id: int, whose: Whose, zone: str, now: datetime) -> list[Window]:
    """The spans of all budgets that hold for a call, and of its parent session's. Raises BadWindow where the zone is
    none."""
    grants = grants_to(conn, project_id=project_id, whose=whose)
    found = windows_of(grants, whose=whose, now=now, tz=time_zone(zone))
    if whose.parent_session and whose.parent_session != whose.session_id:
        parents = applying(conn, project_id=project_id, session_id=whose.parent_session)
        found += drawn_on(parents, parent=whose.parent_session, child=whose.session_id)
    return sorted(found, key=lambda window: window.id)


def reserve(
    conn: Connection[Any],
    *,
    project_id: int,
    scopes: Sequence[Window],
    amount: Asked,
    now: datetime,
    until: datetime | None = None,
    reservation_id: str = "",
) -> Reserved:
    """Hold what a call may come to in all of these windows, or in none of them, until it is settled, or `until`, when
    all of it counts as used. The output that is granted may be less than was asked for.

    Raises psycopg.errors.UniqueViolation where there is a reservation of that id; then nothing is reserved. Outside of
    any transaction, else whoever asks for the same budget waits for its end."""
    name = reservation_id or f"hold_{secrets.token_hex(12)}"
    return _asked(conn, project_id, scopes, amount, now=now, lease=name, until=until or now + HELD)


def look(conn: Connection[Any], *, project_id: int, scopes: Sequence[Window], amount: Asked, now: datetime) -> Reserved:
    """What `reserve` would say now. Nothing is held."""
    return _asked(conn, project_id, scopes, amount, now=now, lease=None, until=None)


def settle(
    conn: Connection[Any], *, project_id: int, spent: Sequence[Spent], is_recorded: bool, now: datetime
) -> list[str]:
    """End reservations with what their calls came to: in the ledger already (`is_recorded`), or to be told to it by
    somebody else. The ids of those that were ended now; one that was ended, or that there never was, is not among
    them. An expired one is freed of what it was charged with."""
    ended: list[str] = []
    for first in range(0, len(spent), MOST_AT_ONCE):
        part = {one.reservation_id: one for one in spent[first : first + MOST_AT_ONCE]}
        ended += settle_leases(conn, project_id=project_id, spent=part, is_recorded=is_recorded, now=now)
    return ended


def release(conn: Connection[Any], *, project_id: int, reservation_id: str, now: datetime) -> bool:
    """End a reservation of which nothing was used; False where it had been ended before."""
    spent = [Spent(reservation_id)]
    return bool(settle(conn, project_id=project_id, spent=spent, is_recorded=True, now=now))


def expire(conn: Connection[Any], *, now: datetime) -> int:
    """Charge in full what nobody settled in time, and forget what the ledger has, of all projects; how many expired."""
    count = 0
    for project_id in leasing_projects(conn):
        while found := expire_leases(conn, project_id=project_id, now=now):
            count += len(found)
        forget_leases(conn, project_id=project_id, now=now)
    if count:
        _log.warning("%s reservations of budgets were not settled in time and are charged in full", count)
    return count


def forget(conn: Connection[Any], *, now: datetime) -> None:
    """Delete windows that are long over, of all projects: what was used in them is in the ledger."""
    for project_id in windowed_projects(conn):
        forget_windows(conn, project_id=project_id, now=now)


def _asked(
    conn: Connection[Any],
    project_id: int,
    scopes: Sequence[Window],
    amount: Asked,
    *,
    now: datetime,
    lease: str | None,
    until: datetime | None,
) -> Reserved:
    """Ask, and again where windows had to be made or what they knew of the ledger was too old to refuse by."""
    if not scopes:
        return Reserved(lease or "", True, amount.output, amount.output, (), ())
    for attempt in range(_ATTEMPTS):
        room = take_room(project_id=project_id, scopes=scopes, amount=amount, now=now, lease=lease, until=until)
        rows = prepared(conn, tuple_row).execute(room.text, room.arguments).fetchall()
        is_whole, answer = room_told(rows, scopes=scopes, amount=amount, lease=lease)
        old = too_old(answer, now=now)
        if attempt == _ATTEMPTS - 1 or (is_whole and (answer.is_granted or not old)):
            break
        if not is_whole:
            begin(conn, project_id=project_id, scopes=scopes, now=now)
        else:
            count(conn, project_id=project_id, scopes=old, now=now)
    if not is_whole:
        raise LookupError("a window of a budget was taken away while it was asked")
    if old and answer.is_granted:
        count(conn, project_id=project_id, scopes=old, now=now)
    return answer


def too_old(answer: Reserved, *, now: datetime) -> list[Window]:
    """The windows of an answer whose sums of the ledger are not believed any more."""
    return [stand.window for stand in answer.stands if now - stand.counted_at > COUNTED]


def count(conn: Connection[Any], *, project_id: int, scopes: Sequence[Window], now: datetime) -> None:
    """Let windows know what the ledger says now."""
    ids = [window.id for window in scopes]
    with conn.transaction():
        lock_windows(conn, project_id=project_id, ids=ids)
        count_windows(conn, project_id=project_id, ids=ids, now=now)


def begin(conn: Connection[Any], *, project_id: int, scopes: Sequence[Window], now: datetime) -> None:
    """Make the windows that there are not yet, with what the ledger says of them."""
    with conn.transaction():
        opened = open_windows(conn, project_id=project_id, scopes=scopes, now=now)
        if opened:
            count_windows(conn, project_id=project_id, ids=opened, now=now)


def take_room(
    *,
    project_id: int,
    scopes: Sequence[Window],
    amount: Asked,
    now: datetime,
    lease: str | None,
    until: datetime | None,
) -> Question:
    """What to ask to reserve in all of these windows or in none; without a `lease` they are only looked at."""
    arguments = {
        **_named(project_id, scopes),
        "binding": array(window.is_binding for window in scopes),
        "weighted": amount.weighted,
        "gross": amount.gross,
        "nanousd": amount.nanousd,
        "output": amount.output,
        "output_nanousd": amount.output_nanousd,
        "least": amount.least,
        "is_final": amount.is_final,
        "held_back": HELD_BACK,
        "lease": lease,
        "until": until,
        "now": now,
    }
    return Question(statement(__package__, "take_room"), arguments)


def room_told(
    rows: Sequence[tuple[Any, ...]], *, scopes: Sequence[Window], amount: Asked, lease: str | None
) -> tuple[bool, Reserved]:
    """By the rows of `take_room`: whether all windows were there, and what they answered."""
    by_id = {window.id: window for window in scopes}
    stands = tuple(
        Stand(by_id[key], used, reserved, max(fits, -1), takes, counted_at)
        for _, _, _, key, used, reserved, fits, takes, counted_at in rows
        if key is not None
    )
    is_whole, is_granted, output = rows[0][:3]
    least = min(amount.least, amount.output)
    refused_by = tuple(stand for stand in stands if stand.window.is_binding and stand.output < least)
    return is_whole, Reserved(lease or "", is_granted, amount.output, output if is_granted else 0, stands, refused_by)


def open_windows(conn: Connection[Any], *, project_id: int, scopes: Sequence[Window], now: datetime) -> list[UUID]:
    """Make the windows that are missing, or did not know who draws on them: those that are now to be counted."""
    grants = [window.grant for window in scopes]
    made = {
        **_named(project_id, scopes),
        "budgets": [grant.budget_id for grant in grants],
        "scopes": [grant.scope for grant in grants],
        "subjects": [grant.subject for grant in grants],
        "periods": [grant.period for grant in grants],
        "counts": [grant.counts for grant in grants],
        "spans": [window.span for window in scopes],
        "from": [window.from_at for window in scopes],
        "to": [window.to_at for window in scopes],
        "now": now,
    }
    return prepared(conn, scalar_row).execute(statement(__package__, "open_windows"), made).fetchall()


def lock_windows(conn: Connection[Any], *, project_id: int, ids: Sequence[UUID]) -> None:
    """Have windows for oneself until the transaction ends."""
    arguments = {"project": project_id, "ids": list(ids)}
    prepared(conn, scalar_row).execute(statement(__package__, "lock_windows"), arguments)


def count_windows(conn: Connection[Any], *, project_id: int, ids: Sequence[UUID], now: datetime) -> None:
    """What windows of ours alone have used, by the ledger and by leases that it does not know yet."""
    query = sql.SQL(statement(__package__, "count_windows")).format(amount=_AMOUNT, is_waiting=_IS_WAITING)
    arguments = {"project": project_id, "ids": list(ids), "now": now, "believed_from": now - BELIEVED}
    prepared(conn, tuple_row).execute(query, arguments)


def settle_leases(
    conn: Connection[Any], *, project_id: int, spent: dict[str, Spent], is_recorded: bool, now: datetime
) -> list[str]:
    """End leases, each once."""
    told = {
        "project": project_id,
        "ids": array(spent),
        "weighted": array(one.weighted for one in spent.values()),
        "gross": array(one.gross for one in spent.values()),
        "nanousd": array(one.nanousd for one in spent.values()),
        "is_recorded": is_recorded,
        "now": now,
    }
    return prepared(conn, scalar_row).execute(statement(__package__, "settle_leases"), told).fetchall()


def expire_leases(conn: Connection[Any], *, project_id: int, now: datetime) -> list[str]:
    """Charge a project with what was not settled in time, a thousand leases at most."""
    arguments = {"project": project_id, "now": now, "most": MOST_AT_ONCE}
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement(__package__, "expire_leases"), arguments).fetchall()


def expired_leases(conn: Connection[Any], *, project_id: int, most: int = 100) -> list[Unsettled]:
    """The newest reservations that expired and were not settled since, a row for each budget that is charged."""
    with conn.cursor(row_factory=class_row(Unsettled)) as cursor:
        arguments = {"project": project_id, "most": most}
        return cursor.execute(statement(__package__, "expired_leases"), arguments).fetchall()


def leasing_projects(conn: Connection[Any]) -> list[int]:
    """The projects with leases of any kind."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement(__package__, "leasing_projects")).fetchall()


def forget_leases(conn: Connection[Any], *, project_id: int, now: datetime) -> None:
    """Delete leases that the ledger has, and expired ones of spans that are long over."""
    query = sql.SQL(statement(__package__, "forget_leases")).format(is_waiting=_IS_WAITING)
    conn.execute(query, {"project": project_id, "believed_from": now - BELIEVED, "kept_from": now - KEPT})


def windowed_projects(conn: Connection[Any]) -> list[int]:
    """The projects with windows."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement(__package__, "windowed_projects")).fetchall()


def forget_windows(conn: Connection[Any], *, project_id: int, now: datetime) -> None:
    """Delete windows of spans that are over, or that nobody asked, for long, and in which nothing is reserved."""
    conn.execute(statement(__package__, "forget_windows"), {"project": project_id, "kept_from": now - KEPT})


def _named(project_id: int, scopes: Sequence[Window]) -> dict[str, Any]:
    """Windows as arrays side by side, with the session of each, and the one that draws on it."""
    sessions = [(*window.sessions, "", "")[:2] for window in scopes]
    return {
        "project": project_id,
        "ids": array(window.id for window in scopes),
        "limits": array(window.grant.limit for window in scopes),
        "session": array(own for own, _ in sessions),
        "child": array(child for _, child in sessions),
    }
