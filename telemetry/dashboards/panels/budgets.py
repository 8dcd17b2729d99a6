"""Panel: what is used of each budget, and when it will be used up."""

from __future__ import annotations

from typing import Literal

from telemetry.dashboards import formats
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Cell, Column, Row, Table, text
from telemetry.limits.granted import Counts
from telemetry.limits.projection import LEARNT, Exhaustion
from telemetry.limits.standing import FIRED_DAYS, Spans, Standing
from telemetry.models import Budget

COLUMNS = (
    Column("budget", "Budget", "text"),
    Column("scope", "Of", "text", only_csv=True),
    Column("subject", "Which", "text", only_csv=True),
    Column("period", "In each", "text", only_csv=True),
    Column("counts", "Counts", "text", only_csv=True),
    Column("used_percent", "Share", "share", hint="Of what was granted"),
    Column("used", "Used", hint=f"In the one that runs; of runs and sessions the most of the last {FIRED_DAYS} days"),
    Column(
        "limit",
        "Granted",
        hint="Weighted tokens: what a cache read counts a tenth, what was written to one 1.25 or 2 times",
    ),
    Column("projected", "Will come to", hint="Half of the time less; eight of ten times within the brackets"),
    Column("used_up", "Used up", "text", hint="The day by which it is used up half of the time"),
    Column("probability_percent", "Chance", hint="That it is used up before its period is over", only_csv=True),
    Column("fired", "Went beyond", "text", hint="Of the last 30 days, 4 weeks, the last month, or runs and sessions"),
    Column("mode", "Mode", "text", hint="What the gateway does once it is used up: nothing, say so, or refuse calls"),
)
_UNITS: dict[Counts, str] = {"weighted": "weighted", "gross": "tokens", "usd": ""}
_NOT_IN_IT = {"day": "not today", "week": "not this week", "month": "not this month"}
_LONGEST = 32
_NONE = Cell("–", "")
_NO_DAY = Cell("–", "", words=True)


def build(reader: Reader) -> Table:
    """A row a budget and subject, the fullest first."""
    found = reader.outlook()
    return Table(COLUMNS, tuple(Row(_cells(one, reader)) for one in found.budgets))


PANEL = Panel("budgets", "Budgets", "telemetry/_budgets.html", build)


def figure(number: int, counts: Counts) -> Cell:
    """An amount in the unit of a budget."""
    if counts == "usd":
        return Cell(formats.usd(number), formats.exact_usd(number))
    return Cell(formats.compact(number), str(number))


def between(low: int, high: int, counts: Counts) -> str:
    """An interval, for the eye."""
    return f"({figure(low, counts).text} – {figure(high, counts).text})"


def _cells(one: Standing, reader: Reader) -> tuple[Cell, ...]:
    budget = one.budget
    share = formats.percent(one.used, budget.limit)
    unpriced = f"{formats.counted(one.unpriced_calls, 'call', 'calls')} unpriced" if one.unpriced_calls else ""
    used = figure(one.used, budget.counts)
    scope, period = Budget.Scope(budget.scope).label, Budget.Period(budget.period).label
    granted = figure(budget.limit, budget.counts)
    return (
        _name(one, scope, budget.period),
        text(scope),
        text(one.subject),
        text(period),
        text(budget.counts),
        Cell(f"{share}%", share, share=min(formats.per_mille(one.used, budget.limit), 1000)),
        Cell(used.text, used.value, note=unpriced),
        Cell(granted.text, granted.value, note=_UNITS[budget.counts]),
        *_ahead(one, reader),
        _fired(one),
        text(budget.mode),
    )


def _fired(one: Standing) -> Cell:
    said = _how_often(one)
    state: Literal["", "bad"] = "bad" if one.fired and one.fired.over else ""
    return Cell(said or "–", f"{one.fired.over}/{one.fired.spans}" if one.fired else "", words=True, state=state)


def _how_often(one: Standing) -> str:
    """How often it would have stopped somebody; "" where nobody can know."""
    if one.fired is None:
        return ""
    period = one.budget.period
    if not one.fired.spans:
        return f"no {period}"
    return f"{formats.whole(one.fired.over)} of {formats.counted(one.fired.spans, period, f'{period}s')}"


def _name(one: Standing, scope: str, period: str) -> Cell:
    """What it is of, and in which span; shared: it is for every project."""
    whole, own = one.budget.scope == "project", one.budget.is_own
    name = scope if whole else formats.clipped(one.subject, _LONGEST) or "each"
    span = " · ".join((*([] if whole else [scope]), period, *([] if own else ["shared"])))
    return text(name, note=span)


def _ahead(one: Standing, reader: Reader) -> tuple[Cell, Cell, Cell]:
    """What is to come, when it will be used up, and how likely that is."""
    if one.spans:
        return _of_spans(one, one.spans, reader)
    if one.projection is None or one.projection.exhaustion is None:
        return Cell(f"known after {LEARNT} days", ""), _NO_DAY, _NONE
    total, ends = one.projection.total, one.projection.exhaustion
    middle = figure(total.middle, one.budget.counts)
    chance = f"{100 * ends.probability:.0f}"
    return (
        Cell(middle.text, middle.value, note=between(total.low, total.high, one.budget.counts)),
        _day(one, ends),
        Cell(f"{chance}%", chance),
    )


def _day(one: Standing, ends: Exhaustion) -> Cell:
    """The likely day; where it is not in this period, the earliest, if that is."""
    if one.used > one.budget.limit:
        return Cell("used up", "used up", words=True, state="bad")
    if ends.likely:
        early = f"from {formats.day(ends.earliest)} on" if ends.earliest and ends.earliest < ends.likely else ""
        note = ", ".join(filter(None, (f"{100 * ends.probability:.0f}% likely", early)))
        return Cell(formats.day(ends.likely), ends.likely.isoformat(), note=note, words=True, state="bad")
    if ends.earliest:
        return Cell(f"not likely, from {formats.day(ends.earliest)} on", "", words=True, state="other")
    return Cell(_NOT_IN_IT.get(one.budget.period, "–"), "", words=True, state="good")


def _of_spans(one: Standing, found: Spans, reader: Reader) -> tuple[Cell, Cell, Cell]:
    """Of sessions when the fullest that goes on will have used it up, and which share went beyond it."""
    share = formats.percent(found.over, found.spans) if found.spans else ""
    until = _NO_DAY
    if found.running_until:
        at = formats.moment(found.running_until, reader.state.window)
        note = f"the session {formats.clipped(found.running, _LONGEST)} at its pace"
        until = Cell(at, found.running_until.isoformat(), note=note, words=True, state="other")
    elif found.running and found.running_used > one.budget.limit:
        until = Cell(
            "used up", "used up", f"the session {formats.clipped(found.running, _LONGEST)}", words=True, state="bad"
        )
    return _NONE, until, Cell(f"{share}%", share) if share else _NONE
