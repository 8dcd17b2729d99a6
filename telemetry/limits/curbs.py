"""What budgets refused or lowered: a row an hour, session and budget, so that who asks again and again is one.

Nobody waits for it: the gateway adds up what happens within a second, and a failure here is logged and forgotten.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from json import dumps
from typing import Any, Literal, Protocol
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from telemetry.database import connection
from telemetry.limits.granted import Counts
from telemetry.statements import statement

KEPT = timedelta(days=62)
MOST_SESSIONS = 200  # of a budget in an hour and a process; those that come after them are one row without a name
_log = logging.getLogger(__name__)
Kind = Literal["refused", "lowered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetCurb:
    """Calls that a budget refused or lowered, alike in all but their size. `granted` and `remaining` are in the unit of
    the budget; `prompt`, `wanted` and `given` (output) are tokens of the last call."""

    kind: Kind
    budget_id: int
    scope: str
    subject: str
    period: str
    counts: Counts
    session_id: str
    agent: str
    tier: str
    granted: int
    remaining: int
    prompt: int
    wanted: int
    given: int
    last_at: datetime
    calls: int = 1
    first_at: datetime | None = None

    @property
    def id(self) -> UUID:
        """The same for those that are added up: of one hour, with the same names."""
        hour = self.last_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        told = (self.kind, self.budget_id, self.subject, self.session_id, self.agent, self.tier, hour.isoformat())
        return UUID(bytes=sha256("\0".join(map(str, told)).encode("utf-8", "replace")).digest()[:16])


class Named(Protocol):
    """Whose a call is."""

    @property
    def session_id(self) -> str: ...
    @property
    def agent(self) -> str: ...
    @property
    def tier(self) -> str: ...


def budget_curbs(
    budgets: Iterable[Mapping[str, Any]], whose: Named, *, prompt: int, wanted: int, given: int | None, now: datetime
) -> list[BudgetCurb]:
    """One for each of the budgets that had too little room for a call, as `BudgetHold.budgets` says them. `given`: the
    output that the call was left; None: it was refused."""
    return [
        BudgetCurb(
            kind="refused" if given is None else "lowered",
            budget_id=one["id"],
            scope=one["scope"],
            subject=one["subject"],
            period=one["period"],
            counts=one["counts"],
            session_id=whose.session_id,
            agent=whose.agent,
            tier=whose.tier if one["scope"] == "tier" else "",
            granted=_whole(one["limit"], one["counts"]),
            remaining=_whole(one["left"], one["counts"]),
            prompt=prompt,
            wanted=wanted,
            given=given or 0,
            last_at=now,
        )
        for one in budgets
    ]


class BudgetCurbSums:
    """What is to be written next, added up."""

    def __init__(self) -> None:
        self._sums: dict[tuple[int, UUID], BudgetCurb] = {}
        self._named: dict[tuple[int, int], set[str]] = {}
        self._hour: datetime | None = None

    def add(self, project_id: int, curbs: Iterable[BudgetCurb]) -> None:
        """Add some of a project's."""
        for each in curbs:
            curb = each if self._has_name(project_id, each) else replace(each, session_id="", agent="")
            key = project_id, curb.id
            before = self._sums.get(key)
            if before is not None:
                curb = replace(curb, calls=before.calls + curb.calls, first_at=before.first_at or before.last_at)
            self._sums[key] = curb

    def take(self) -> dict[int, list[BudgetCurb]]:
        """What there is, by project; and begin anew."""
        taken, self._sums = self._sums, {}
        found: dict[int, list[BudgetCurb]] = {}
        for (project_id, _), curb in taken.items():
            found.setdefault(project_id, []).append(curb)
        return found

    def _has_name(self, project_id: int, curb: BudgetCurb) -> bool:
        """Whether its session has a row of its own: who makes up sessions must not fill the table."""
        hour = curb.last_at.replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour, self._named = hour, {}
        names = self._named.setdefault((project_id, curb.budget_id), set())
        if curb.session_id not in names and len(names) >= MOST_SESSIONS:
            return False
        names.add(curb.session_id)
        return True


def note(conn: Connection[Any], *, project_id: int, curbs: Sequence[BudgetCurb]) -> None:
    """Write down some of a project's, each of another id. It raises nothing."""
    try:
        if curbs:
            add_curbs(conn, project_id=project_id, curbs=curbs)
    except psycopg.Error as error:
        _log.warning(
            "what budgets refused and lowered %s times in project %s is lost: %s", len(curbs), project_id, error
        )


def note_budget_curbs(found: Mapping[int, Sequence[BudgetCurb]]) -> None:
    """Write down those of some projects. Raises django.db.Error where the database is away."""
    conn = connection()
    for project_id, curbs in sorted(found.items()):
        note(conn, project_id=project_id, curbs=curbs)


def forget(conn: Connection[Any], *, now: datetime) -> None:
    """Delete what happened two months ago, of all projects."""
    for project_id in curbed_projects(conn):
        forget_curbs(conn, project_id=project_id, kept_from=now - KEPT)


def add_curbs(conn: Connection[Any], *, project_id: int, curbs: Sequence[BudgetCurb]) -> None:
    """Add to what is written of the same hour. Raises psycopg.Error."""
    rows = [
        {**asdict(one), "id": str(one.id), "last_at": str(one.last_at), "first_at": str(one.first_at or one.last_at)}
        for one in curbs
    ]
    conn.execute(statement(__package__, "add_curbs"), {"project": project_id, "rows": dumps(rows)})


def newest_curbs(conn: Connection[Any], *, project_id: int, most: int) -> list[BudgetCurb]:
    """The last ones first."""
    with conn.cursor(row_factory=class_row(BudgetCurb)) as cursor:
        return cursor.execute(statement(__package__, "newest_curbs"), {"project": project_id, "most": most}).fetchall()


def curbed_projects(conn: Connection[Any]) -> list[int]:
    """The projects of which there are any."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement(__package__, "curbed_projects")).fetchall()


def forget_curbs(conn: Connection[Any], *, project_id: int, kept_from: datetime) -> None:
    """Delete those before then."""
    conn.execute(statement(__package__, "forget_curbs"), {"project": project_id, "kept_from": kept_from})


def _whole(exact: str, counts: str) -> int:
    """An amount as programs are told it, in whole units."""
    return int(Decimal(exact).scaleb(9)) if counts == "usd" else int(exact)
