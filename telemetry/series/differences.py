"""READ: executions whose sender said something else than their calls add up to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row

from telemetry.series.queries import Filters, filter_arguments, filter_clauses
from telemetry.series.window import Window
from telemetry.statements import statement
from telemetry.usage import quality_bits

CLOCKS_DIFFER = timedelta(hours=1)  # a call may seem to begin before its execution
LONGEST_EXECUTION = timedelta(days=7)  # calls that come later than that are not looked for


@dataclass(frozen=True, slots=True)
class ExecutionDifference:
    """What an execution's sender said that it used, and what its calls add up to. None: nothing was said."""

    execution_id: str
    task_id: str
    agent: str
    calls: int
    sent_input: int | None
    counted_input: int
    sent_output: int | None
    counted_output: int


def execution_differences(
    conn: Connection[Any], *, project_id: int, window: Window, filters: Filters | None = None
) -> list[ExecutionDifference]:
    """The executions that began in a window and whose sent totals are not the sums of their calls, the largest
    difference first. With filters, those of which a call matches. Raises UnknownDimension."""
    query = sql.SQL(statement(__package__, "execution_differences")).format(filters=filter_clauses(filters))
    arguments: dict[str, Any] = {"project": project_id, "start": window.start, "end": window.end}
    arguments |= {"calls_start": window.start - CLOCKS_DIFFER, "calls_end": window.end + LONGEST_EXECUTION}
    arguments["total"] = quality_bits(("execution_total",))
    with conn.cursor(row_factory=class_row(ExecutionDifference)) as cursor:
        return cursor.execute(query, arguments | filter_arguments(filters)).fetchall()
