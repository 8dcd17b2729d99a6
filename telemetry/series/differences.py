"""READ: executions whose sender said something else than their calls add up to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from telemetry.series.queries import Filters, column
from telemetry.series.window import Window
from telemetry.statements import statement


@dataclass(frozen=True, slots=True)
class ExecutionDifference:
    """What an execution's sender said that it used, and what its calls add up to. None: nothing was said. `difference`
    is what was sent less what was counted, in tokens, of what was sent. Of several `executions`: their sums."""

    execution_id: str
    task_id: str
    agent: str
    executions: int
    calls: int
    sent_input: int | None
    counted_input: int
    sent_output: int | None
    counted_output: int
    difference: int


def execution_differences(
    conn: Connection[Any],
    *,
    project_id: int,
    window: Window,
    filters: Filters | None = None,
    limit: int | None = None,
) -> list[ExecutionDifference]:
    """The executions that began in a window and whose sent totals are not the sums of their calls, the largest
    difference first; where there are more than `limit`, the others as one more row. With filters, those of which a
    call matches. Raises UnknownDimension."""
    values = {column(name): list(values) for name, values in (filters or {}).items()}
    asked = " && ".join(f"@.{label} == ${label}[*]" for label in values)
    arguments = {
        "project": project_id,
        "start": window.start,
        "end": window.end,
        "limit": limit,
        "asked": f"$[*] ? ({asked})" if values else None,
        "values": Jsonb(values),
    }
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(statement(__package__, "execution_differences"), arguments).fetchall()
    return [ExecutionDifference(*row[:3], *map(_whole, row[3:])) for row in rows]


def _whole(figure: Decimal | int | None) -> Any:
    """PostgreSQL sums bigints as numeric, so as Decimal."""
    return None if figure is None else int(figure)
