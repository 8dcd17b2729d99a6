"""Panel: which calls budgets refused or lowered."""

from __future__ import annotations

from telemetry.dashboards import formats
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.runlinks import session_address
from telemetry.dashboards.tables import Cell, Column, Row, Table, count, text
from telemetry.limits.curbs import BudgetCurb
from telemetry.limits.granted import Counts
from telemetry.models import Budget

COLUMNS = (
    Column("last_at", "When", "text", hint="The last of an hour"),
    Column("kind", "What", "text", hint="Lowered: it was made with less output than it asked for"),
    Column("session", "Session", "text"),
    Column("agent", "Agent", "text"),
    Column("budget", "Budget", "text"),
    Column("scope", "Of", "text", only_csv=True),
    Column("period", "In each", "text", only_csv=True),
    Column("counts", "Counts", "text", only_csv=True),
    Column("left", "Left", hint="What nobody had used or reserved when it was asked; a twentieth is held back"),
    Column("granted", "Granted", only_csv=True),
    Column("wanted", "Asked", hint="Tokens of the last call: its prompt, and the output that it wanted at most"),
    Column("prompt", "Prompt", only_csv=True),
    Column("given", "Given", hint="Tokens of output that it was left"),
    Column("calls", "Calls", hint="Of that hour"),
)
MOST = 20
_LONGEST = 32
_SHOWN = 13
_NONE = Cell("–", "")


def build(reader: Reader) -> Table | None:
    """The newest first; None where every call had room."""
    rows = tuple(_row(one, reader) for one in reader.curbs(MOST))
    return Table(COLUMNS, rows) if rows else None


PANEL = Panel("budget_curbs", "Refused and lowered", "telemetry/_table.html", build)


def _row(one: BudgetCurb, reader: Reader) -> Row:
    is_refused = one.kind == "refused"
    left = _figure(one.remaining, one.counts)
    scope, period = Budget.Scope(one.scope).label, Budget.Period(one.period).label
    return Row(
        (
            Cell(formats.moment(one.last_at, reader.state.window), one.last_at.isoformat(), words=True),
            Cell(one.kind, one.kind, words=True, state="bad" if is_refused else "other"),
            _session(one, reader),
            text(one.agent, shown=formats.clipped(one.agent, _LONGEST)),
            _budget(one, scope),
            text(scope),
            text(period),
            text(one.counts),
            Cell(left.text, left.value, note=f"of {_figure(one.granted, one.counts).text}"),
            Cell("", _figure(one.granted, one.counts).value),
            Cell(
                formats.compact(one.prompt + one.wanted), str(one.wanted), note=f"{formats.compact(one.wanted)} output"
            ),
            Cell("", str(one.prompt)),
            _NONE if is_refused else Cell(formats.compact(one.given), str(one.given)),
            count(one.calls),
        )
    )


def _session(one: BudgetCurb, reader: Reader) -> Cell:
    if not one.session_id:
        return text("")
    shown = one.session_id if len(one.session_id) <= _SHOWN + 1 else f"{one.session_id[:_SHOWN]}…"
    return text(one.session_id, shown=shown, url=session_address(reader.state, one.session_id), hint="Open")


def _budget(one: BudgetCurb, scope: str) -> Cell:
    """What it is of, as the panel of budgets says it."""
    if one.scope == "project":
        return text(scope, note=one.period)
    return text(one.subject, shown=formats.clipped(one.subject, _LONGEST), note=f"{scope} · {one.period}")


def _figure(number: int, counts: Counts) -> Cell:
    if counts == "usd":
        return Cell(formats.usd(number), formats.exact_usd(number))
    return Cell(formats.compact(number), str(number))
