"""Panel: executions whose sender said something else than their calls add up to."""

from __future__ import annotations

from collections.abc import Sequence

from telemetry.dashboards import formats
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.runlinks import run_address
from telemetry.dashboards.tables import OTHERS, TOTAL, Cell, Column, Row, Table, count, text
from telemetry.series.differences import ExecutionDifference

ROWS = 10
COLUMNS = (
    Column("execution", "Execution", "text"),
    Column("task", "Task", "text"),
    Column("agent", "Agent", "text"),
    Column("calls_counted", "Calls", hint="Calls of the execution; they are what is counted"),
    Column("sent_input", "Input sent", hint="What the sender said; it is not counted"),
    Column("counted_input", "Input counted"),
    Column("sent_output", "Output sent", hint="What the sender said; it is not counted"),
    Column("counted_output", "Output counted"),
    Column("difference", "Difference", hint="Tokens sent less tokens counted, of what was sent"),
)
_BLANK = Cell("", "", words=True)


def build(reader: Reader) -> Table | None:
    """The largest differences; None where every execution agrees with its calls."""
    limit = None if reader.state.all_rows else ROWS
    found = reader.execution_differences(limit=limit)
    if not found:
        return None
    rows = [Row((*_names(one, reader), *_figures([one]))) for one in found[:limit]]
    rest = found[len(rows) :]
    if rest:
        rows.append(Row((_heading(OTHERS, rest), _BLANK, _BLANK, *_figures(rest)), "others"))
    total = Row((_heading(TOTAL, found), _BLANK, _BLANK, *_figures(found)), "total")
    return Table(COLUMNS, tuple(rows), total, shortened=bool(rest))


PANEL = Panel("execution-differences", "Executions whose own totals differ", "telemetry/_table.html", build)


def _names(one: ExecutionDifference, reader: Reader) -> tuple[Cell, ...]:
    link = run_address(reader.state, one.execution_id)
    return text(one.execution_id, url=link, hint="Open"), text(one.task_id), text(one.agent)


def _heading(title: str, of: Sequence[ExecutionDifference]) -> Cell:
    number = sum(one.executions for one in of)
    return Cell(title, title, note=f"{number:,} execution{'' if number == 1 else 's'}", words=True)


def _figures(of: Sequence[ExecutionDifference]) -> tuple[Cell, ...]:
    """Sums; what a sender did not say is neither 0 nor compared."""
    difference = sum(one.difference for one in of)
    return (
        count(sum(one.calls for one in of)),
        _sent([one.sent_input for one in of]),
        count(sum(one.counted_input for one in of)),
        _sent([one.sent_output for one in of]),
        count(sum(one.counted_output for one in of)),
        Cell(formats.signed(difference), str(difference)),
    )


def _sent(counts: Sequence[int | None]) -> Cell:
    said = [number for number in counts if number is not None]
    return count(sum(said)) if said else Cell("–", "")
