"""What became of runs beside what was expected of them; and what is expected of one while it goes on.

Of a run that nobody asked about, the answer is kept that would have been given when TLOI first saw it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.rows import class_row

from telemetry.limits import budgets
from telemetry.limits.granted import Grant
from telemetry.outlook.answering import Books, Outlook, forecast_of, outcome_share, outlook_of, row_of, runs_in, whole
from telemetry.outlook.books import read_books
from telemetry.outlook.ended import EndedRun, runs_to_learn
from telemetry.outlook.expected import OWN_LEVELS, WARN_RUNS, Counts
from telemetry.outlook.forecasting import write_forecasts
from telemetry.outlook.keys import LEVELS
from telemetry.statements import statement

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Open:
    """What was expected of a run, and the budget that it was likeliest to exceed, in whose unit all amounts are."""

    id: UUID
    execution_id: str
    tokens_grid: list[int] | None
    budget_counts: Counts | Literal[""]
    budget_limit: int | None
    budget_spent: int | None
    is_overrun: bool


class Outcomes:
    """Collects, run by run and each before it is learned from, what became of it; `write` keeps it all."""

    def __init__(self, conn: Connection[Any], *, project_id: int, runs: Sequence[EndedRun]) -> None:
        self._conn, self._project_id = conn, project_id
        self._open: dict[str, list[Open]] = defaultdict(list)
        for one in open_forecasts(conn, project_id=project_id, keys=[run.execution_id for run in runs]):
            self._open[one.execution_id].append(one)
        self._grants: dict[tuple[str, ...], list[Grant]] = {}
        self._rows: list[Row] = []
        self._found: list[tuple[Any, ...]] = []

    def add(self, run: EndedRun, books: Books) -> None:
        """What became of a run beside what was expected; where nothing was, what would have been."""
        opened = self._open.get(run.execution_id, [])
        if not opened and run.calls:
            row = _row(run, outlook_of(books, run.keys), self._grants_of(run), runs_in(books["gross"]))
            self._rows.append(row)
            opened = [_open(row)]
        for one in opened:
            counts = one.budget_counts
            is_unknown = not run.calls or counts == "" or (counts == "usd" and run.unpriced_calls > 0)
            tokens = run.amounts.get("gross")
            self._found.append(
                (
                    one.id,
                    run.ended_at,
                    tokens,
                    run.amounts.get("usd"),
                    run.amounts.get("duration_ms"),
                    None if is_unknown or counts == "" else run.used(counts),
                    outcome_share(one.tokens_grid, tokens) if one.tokens_grid and tokens else None,
                )
            )

    def write(self) -> None:
        """Keep what was collected."""
        if self._rows:
            write_forecasts(self._conn, project_id=self._project_id, rows=self._rows)
        if self._found:
            write_outcomes(self._conn, project_id=self._project_id, found=sorted(self._found))

    def _grants_of(self, run: EndedRun) -> list[Grant]:
        """The budgets of a run by itself: what its session had used before it is not known any more."""
        names = (run.session_type, run.task_type, run.agent, run.objective)
        if names not in self._grants:
            asked = budgets.applying(
                self._conn,
                project_id=self._project_id,
                session_type=run.session_type,
                task_type=run.task_type,
                agent=run.agent,
                objective=run.objective,
            )
            self._grants[names] = [grant for grant in asked if grant.period == "run"]
        return self._grants[names]


def foresee(conn: Connection[Any], *, project_id: int, keys: Sequence[str], now: datetime) -> int:
    """Estimate runs that go on again, by what they have come to so far. Returns of how many half of what is thinkable
    exceeds their budget, and did not before; of a kind that hardly anything is known of, what it came to counts."""
    if not keys:
        return 0
    runs = {run.execution_id: run for run in runs_to_learn(conn, project_id=project_id, keys=keys)}
    books = read_books(
        conn, project_id=project_id, keys={key for run in runs.values() for key in run.keys}, is_dated=False
    )
    opened = open_forecasts(conn, project_id=project_id, keys=keys)
    known = {one.execution_id for one in opened}
    rows = [
        _row(run, outlook_of(books, run.keys), _grants_now(conn, project_id, run), runs_in(books["gross"]))
        for run in runs.values()
        if run.execution_id not in known
    ]
    if rows:
        write_forecasts(conn, project_id=project_id, rows=rows)
    found = []
    for one in (*opened, *map(_open, rows)):
        run = runs.get(one.execution_id)
        if run is not None and run.is_going and not one.is_overrun:
            found += _overrun(one, run, outlook_of(books, run.keys))
    if found:
        write_overruns(conn, project_id=project_id, found=sorted(found), now=now)
    return len(found)


def _overrun(one: Open, run: EndedRun, outlook: Outlook) -> list[tuple[UUID, int, int, int]]:
    """The forecast, calls, what was used and what is expected in all, where that exceeds the budget."""
    if one.budget_limit is None or one.budget_counts == "":
        return []
    used = run.used(one.budget_counts)
    expected, total = outlook.get(one.budget_counts), used
    if expected is not None and LEVELS[expected.level] in OWN_LEVELS and expected.runs >= WARN_RUNS:
        total = whole(expected.given(used).quantile(0.5))
    if (one.budget_spent or 0) + total <= one.budget_limit:
        return []
    return [(one.id, run.calls, used, total)]


def _grants_now(conn: Connection[Any], project_id: int, run: EndedRun) -> list[Grant]:
    """The budgets that hold for a run that goes on; what its session has used, without the run itself."""
    found = budgets.applying(
        conn,
        project_id=project_id,
        session_id=run.session_id,
        session_type=run.session_type,
        task_type=run.task_type,
        agent=run.agent,
        objective=run.objective,
    )
    return [
        replace(grant, spent=max(0, grant.spent - run.used(grant.counts))) if grant.spent else grant for grant in found
    ]


def _row(run: EndedRun, outlook: Outlook, grants: Sequence[Grant], runs: int) -> Row:
    """The row of a run that nobody asked about, as if it had been asked about when it began."""
    found = forecast_of(outlook, grants, runs=runs, forecast_id=uuid4(), asked_at=run.started_at)
    return row_of(found, outlook, run.asked, is_asked=False)


def _open(row: Row) -> Open:
    names = [each.name for each in fields(Open) if each.name in row]
    return Open(**{name: row[name] for name in names} | {"id": UUID(row["id"]), "is_overrun": False})


def open_forecasts(conn: Connection[Any], *, project_id: int, keys: Sequence[str]) -> list[Open]:
    """What was expected of these runs, where it is not known yet what became of them."""
    with conn.cursor(row_factory=class_row(Open)) as cursor:
        arguments = {"project": project_id, "keys": list(keys)}
        return cursor.execute(statement(__package__, "open_forecasts"), arguments).fetchall()


def write_outcomes(conn: Connection[Any], *, project_id: int, found: Sequence[tuple[Any, ...]]) -> None:
    """Write what became of runs: a forecast's id, the end, tokens, cost, milliseconds, what was used of the budget, and
    the share of runs that were expected to come to less."""
    names = ("ids", "ends", "tokens", "costs", "durations", "used", "shares")
    arguments = {name: list(column) for name, column in zip(names, zip(*found, strict=True), strict=True)}
    conn.execute(statement(__package__, "write_outcomes"), {"project": project_id, **arguments})


def write_overruns(
    conn: Connection[Any], *, project_id: int, found: Sequence[tuple[UUID, int, int, int]], now: datetime
) -> None:
    """Note the runs whose budget is expected to be exceeded: a forecast's id, calls, used, expected in all."""
    names = ("ids", "calls", "used", "expected")
    arguments = {name: list(column) for name, column in zip(names, zip(*found, strict=True), strict=True)}
    conn.execute(statement(__package__, "write_overruns"), {"project": project_id, "now": now, **arguments})
