"""How budgets stand: what is used of each, what its period will come to, and when it will be used up.

Days are those of the project's zone. What is used is what is folded; a replica answers as well as the primary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row, tuple_row

from telemetry.contracts import UsageRow
from telemetry.limits.granted import Counts, Mode, Written, amount, holding
from telemetry.limits.projection import KEPT, Past, Projection, left_of_day, project
from telemetry.limits.windows import period_days
from telemetry.series import queries
from telemetry.series.window import Window, by_days, local_midnight, time_zone
from telemetry.statements import statement

FIRED_DAYS = 30  # of the last so many days it is said how many went beyond, and of the runs and sessions in them
FIRED_WEEKS = 4  # before the one that runs
RUNNING = timedelta(minutes=15)  # a session with a call within this goes on
MOST_SUBJECTS = 50  # of a budget that is for each
_PROFILE_DAYS = 14
_LONGEST_WEEK = 6  # days of a week before its last one
_LABELS = ("session_type", "agent", "task_type", "tier")
_AMOUNTS: Mapping[Counts, sql.SQL] = {
    "usd": sql.SQL("sum(cost_nanousd)"),
    "gross": sql.SQL(
        "sum(input_uncached::numeric + cache_read + cache_write_5m + cache_write_1h + cache_write_unknown + output)"
    ),
    "weighted": sql.SQL(
        "round(sum(100 * input_uncached::numeric + 10 * cache_read::numeric + 200 * cache_write_1h::numeric"
        " + 125 * (cache_write_5m::numeric + cache_write_unknown) + 100 * output::numeric) / 100)"
    ),
}


@dataclass(frozen=True, slots=True)
class Spans:
    """The runs or sessions of the last FIRED_DAYS days under a budget: how many there were, how many went beyond it,
    and the most that one came to. Of sessions that go on, the one that used most, `running`: what it used, and when it
    will have used up the budget at the pace that it has had."""

    spans: int
    over: int
    most: int
    running: str = ""
    running_used: int = 0
    running_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fired:
    """How often a budget would have stopped somebody: in how many of so many whole days, weeks or months before the one
    that runs, or in how many of the runs or sessions of the last FIRED_DAYS, more was used than it grants."""

    over: int
    spans: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A budget of one subject. Of a day, week or month: the days of the one that runs, what is `used` in it, and what
    it will come to; None with fewer than `projection.LEARNT` days before. Of runs and sessions: `spans`, of which
    `used` is the most. `unpriced_calls` of what is used have no cost. `fired` is None where nobody can know."""

    budget: Written
    subject: str
    used: int
    first_day: date
    last_day: date
    projection: Projection | None = None
    unpriced_calls: int = 0
    spans: Spans | None = None
    fired: Fired | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """How a project's budgets stand, the fullest first, and what its month will cost, in nano-dollars. `written` are
    those that hold, and its own that are off."""

    today: date
    zone: str
    budgets: tuple[Standing, ...]
    month: Standing
    written: tuple[Written, ...] = ()


@dataclass(frozen=True, slots=True)
class _Look:
    """What is looked at, once for all budgets."""

    conn: Connection[Any]
    project_id: int
    window: Window
    now: datetime
    today: date
    left_today: float


def outlook(conn: Connection[Any], *, project_id: int, zone: str, now: datetime) -> Outlook:
    """How the budgets of a project stand. Raises BadWindow where the zone is none."""
    look = _look(conn, project_id, zone, now, back=KEPT)
    whole = _days(look, "project", None)
    every = budgets_of(conn, project_id=project_id)
    held = holding(every)
    found = _standings(look, held, {"project": whole})
    month = Written(0, "project", "", "month", "usd", 0, "shadow", is_enabled=True, is_own=True)
    off = [one for one in every if one.is_own and not one.is_enabled]
    written = (*(one for one, _ in held), *off)
    return Outlook(look.today, zone, tuple(found), _standing(look, month, "", whole.get("", ())), written)


def standings(
    conn: Connection[Any], *, project_id: int, zone: str, now: datetime, but: Sequence[Mode] = ()
) -> list[Standing]:
    """What is used of a project's budgets, the fullest first, without those of some modes and without what is to come.
    Raises BadWindow where the zone is none."""
    budgets = [one for one in holding(budgets_of(conn, project_id=project_id)) if one[0].mode not in but]
    if not budgets:
        return []
    return _standings(_look(conn, project_id, zone, now, back=_LONGEST_WEEK), budgets, {})


def _look(conn: Connection[Any], project_id: int, zone: str, now: datetime, *, back: int) -> _Look:
    today = now.astimezone(time_zone(zone)).date()
    first_day = today.replace(day=1)
    if back >= KEPT:  # the month before, too
        first_day = (first_day - timedelta(days=1)).replace(day=1)
    window = by_days(min(today - timedelta(days=back), first_day), today, zone=zone, bucket="1d")
    left_today = _left_today(conn, project_id, zone, now) if back >= KEPT else 0.0
    return _Look(conn, project_id, window, now, today, left_today)


def _standings(
    look: _Look,
    budgets: Sequence[tuple[Written, frozenset[str]]],
    by_scope: dict[str, Mapping[str, Sequence[UsageRow]]],
) -> list[Standing]:
    """The fullest first. What is known of some scopes' days is given."""
    found: list[Standing] = []
    for budget, but in budgets:
        if budget.period in ("run", "session"):
            found.extend(_of_spans(look, budget, but))
            continue
        if budget.scope == "key":
            found.extend(_of_keys(look, budget, but))
            continue
        if budget.scope not in by_scope:
            by_scope[budget.scope] = _days(look, budget.scope, None)
        found.extend(_of_days(look, budget, but, by_scope[budget.scope]))
    return sorted(found, key=lambda one: -one.used / one.budget.limit)


def _of_days(
    look: _Look, budget: Written, but: frozenset[str], by_subject: Mapping[str, Sequence[UsageRow]]
) -> list[Standing]:
    """How a budget of a day, week or month stands, a row each subject that used something; a named one always."""
    if budget.subject or budget.scope == "project":
        return [_standing(look, budget, budget.subject, by_subject.get(budget.subject, ()))]
    found = [
        _standing(look, budget, subject, days) for subject, days in by_subject.items() if subject and subject not in but
    ]
    used = sorted((one for one in found if one.used), key=lambda one: -one.used)
    return used[:MOST_SUBJECTS]


def _standing(look: _Look, budget: Written, subject: str, days: Sequence[UsageRow]) -> Standing:
    """What is used of a budget in its period that runs, and what that will come to; `days` are those of the window."""
    first_day, last_day = period_days(budget.period, look.today)
    amounts = [amount(budget.counts, day) for day in days] or [0] * ((look.today - look.window.first_day).days + 1)
    since = (look.today - first_day).days + 1
    used = sum(amounts[-since:])
    began = next((place for place, one in enumerate(amounts) if one), len(amounts) - 1)
    began = max(began, len(amounts) - 1 - KEPT)
    found = project(
        Past(amounts[began:-1], look.today),
        used=used,
        left_today=look.left_today,
        last_day=last_day,
        limit=budget.limit or None,
    )
    unpriced = sum(day.unpriced_calls for day in days[-since:]) if budget.counts == "usd" else 0
    fired = _fired(budget, amounts[:-1], look.today)
    return Standing(budget, subject, used, first_day, last_day, found, unpriced, fired=fired)


def _fired(budget: Written, before: Sequence[int], today: date) -> Fired:
    """In how many whole spans before the one that runs more was used than it grants, by the `before` of today."""
    if budget.period == "day":
        spans = [[one] for one in before[-FIRED_DAYS:]]
    elif budget.period == "week":
        whole = before[: len(before) - today.weekday()]
        spans = [list(whole[end - 7 : end]) for end in range(len(whole), 6, -7)][:FIRED_WEEKS]
    else:
        last = len(before) - (today.day - 1)
        days = (today.replace(day=1) - timedelta(days=1)).day
        spans = [list(before[last - days : last])] if last >= days else []
    return Fired(sum(sum(span) > budget.limit for span in spans), len(spans))


def _days(look: _Look, scope: str, subjects: Sequence[str] | None) -> dict[str, list[UsageRow]]:
    """What each subject used on each day of the window, zeros where nothing; the whole project is named ''."""
    if scope == "objective":
        rows: Iterable[tuple[datetime, UsageRow]] = objective_days(
            look.conn, project_id=look.project_id, window=look.window
        )
    elif scope == "project":
        found = queries.usage_days(look.conn, project_id=look.project_id, window=look.window)
        rows = ((_midnight(row.key, look.window), _unnamed(row)) for row in found)
    else:
        points = queries.usage_series(look.conn, project_id=look.project_id, window=look.window, by=scope)
        rows = ((point.at, point.usage) for point in points)
    edges = {edge: place for place, edge in enumerate(look.window.edges())}
    days: dict[str, list[UsageRow]] = {}
    for at, row in rows:
        days.setdefault(row.key, [UsageRow()] * len(edges))[edges[at]] = row
    return days


def _midnight(day: str, window: Window) -> datetime:
    return max(local_midnight(date.fromisoformat(day), window.tz), window.start)


def _unnamed(row: UsageRow) -> UsageRow:
    return UsageRow(**{name: getattr(row, name) for name in UsageRow.__struct_fields__ if name != "key"})


def _left_today(conn: Connection[Any], project_id: int, zone: str, now: datetime) -> float:
    """Which share of a day is still to come, by the hours at which the project's tokens of two weeks were used."""
    tz = time_zone(zone)
    local = now.astimezone(tz)
    last = local.date() - timedelta(days=1)
    window = by_days(last - timedelta(days=_PROFILE_DAYS - 1), last, zone=zone, bucket="1h")
    hours = [0] * 24
    for point in queries.usage_series(conn, project_id=project_id, window=window, by="provider"):
        hours[point.at.astimezone(tz).hour] += point.usage.tokens
    return left_of_day(hours, elapsed=(local.hour * 60 + local.minute) / (24 * 60))


def _of_spans(look: _Look, budget: Written, but: frozenset[str]) -> list[Standing]:
    """How a budget of runs or sessions stood: nothing where it cannot be told, for no run says its tier."""
    if budget.period == "run" and budget.scope == "tier":
        return []
    verb = runs_over if budget.period == "run" else sessions_over
    first_day = look.today - timedelta(days=FIRED_DAYS - 1)
    since = local_midnight(first_day, look.window.tz)
    found = verb(look.conn, project_id=look.project_id, budget=budget, but=but, since=since, now=look.now)
    fired = Fired(found.over, found.spans)
    return [Standing(budget, budget.subject, found.most, first_day, look.today, spans=found, fired=fired)]


def _of_keys(look: _Look, budget: Written, but: frozenset[str]) -> list[Standing]:
    """How a budget of keys stands, by what was settled with each; nobody knows how they spent before."""
    first_day, last_day = period_days(budget.period, look.today)
    used = used_by_keys(look.conn, project_id=look.project_id, budget=budget, now=look.now)
    if budget.subject:
        return [Standing(budget, budget.subject, used.get(budget.subject, 0), first_day, last_day)]
    return [Standing(budget, key, each, first_day, last_day) for key, each in used.items() if key not in but]


def used_by_keys(conn: Connection[Any], *, project_id: int, budget: Written, now: datetime) -> dict[str, int]:
    """What each key used of a budget, the most first."""
    asked = {"project": project_id, "budget": budget.budget_id, "now": now, "most": MOST_SUBJECTS}
    with conn.cursor(row_factory=tuple_row) as cursor:
        kind = {"period": budget.period, "counts": budget.counts}
        return dict(cursor.execute(statement(__package__, "used_by_keys"), {**asked, **kind}).fetchall())


def budgets_of(conn: Connection[Any], *, project_id: int) -> list[Written]:
    """The budgets that are written for a project, and those for every project; also those that are off."""
    with conn.cursor(row_factory=class_row(Written)) as cursor:
        return cursor.execute(statement(__package__, "budgets_of"), {"project": project_id}).fetchall()


def objective_days(conn: Connection[Any], *, project_id: int, window: Window) -> list[tuple[datetime, UsageRow]]:
    """What the runs that name an objective used, by the day of the window on which they began."""
    edges = window.edges()
    asked = {"project": project_id, "start": window.start, "end": window.end, "edges": edges}
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(statement(__package__, "objective_days"), asked).fetchall()
    names = [name for name in UsageRow.__struct_fields__ if name != "key"]
    return [
        (edges[row[0] - 1], UsageRow(key=row[1], **dict(zip(names, map(int, row[2:]), strict=True)))) for row in rows
    ]


def sessions_over(
    conn: Connection[Any], *, project_id: int, budget: Written, but: frozenset[str], since: datetime, now: datetime
) -> Spans:
    """The sessions with calls since then, each as a whole, beside a budget of sessions."""
    column = "session_id" if budget.scope == "session" else budget.scope if budget.scope in _LABELS else None
    query = sql.SQL(statement(__package__, "sessions_over")).format(
        amount=_AMOUNTS[budget.counts], whose=_whose(column)
    )
    asked = {**_asked(project_id, budget, but, since, now), "running": now - RUNNING}
    with conn.cursor(row_factory=tuple_row) as cursor:
        spans, over, most, running, used, first_at, last_at = cursor.execute(query, asked).fetchone() or (0,) * 7
    until = None
    if running and first_at < last_at and 0 < used <= budget.limit:
        until = last_at + (last_at - first_at) * (budget.limit / int(used) - 1)
    return Spans(spans, over, int(most), running or "", int(used or 0), until)


def runs_over(
    conn: Connection[Any], *, project_id: int, budget: Written, but: frozenset[str], since: datetime, now: datetime
) -> Spans:
    """The runs that began since then, beside a budget of runs."""
    column = budget.scope if budget.scope in _LABELS else None
    query = sql.SQL(statement(__package__, "runs_over")).format(amount=_AMOUNTS[budget.counts], whose=_whose(column))
    with conn.cursor(row_factory=tuple_row) as cursor:
        spans, over, most = cursor.execute(query, _asked(project_id, budget, but, since, now)).fetchone() or (0,) * 3
    return Spans(spans, over, int(most))


def _asked(project_id: int, budget: Written, but: frozenset[str], since: datetime, now: datetime) -> dict[str, object]:
    return {
        "project": project_id,
        "since": since,
        "end": now + timedelta(days=1),
        "subject": budget.subject,
        "but": sorted(but),
        "limit": budget.limit,
    }


def _whose(column: str | None) -> sql.Composable:
    """Which rows are of a budget's subject; where it is for each, of all that have one and no budget of their own."""
    if column is None:
        return sql.SQL("true")
    return sql.SQL(
        "CASE WHEN %(subject)s::text = '' THEN {0} <> '' AND {0} <> ALL(%(but)s::text[])"
        " ELSE {0} = %(subject)s::text END"
    ).format(sql.Identifier(column))
