"""A forecast before execution: what is known of such runs, the budgets that hold, an answer, and a row that keeps it.

It lies on the path of a request: four prepared statements, and nothing is locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec
from psycopg import Connection
from psycopg.rows import tuple_row

from telemetry.limits import budgets
from telemetry.outlook.answering import forecast_of, outlook_of, row_of, runs_in
from telemetry.outlook.books import read_books
from telemetry.outlook.expected import Asked, Forecast
from telemetry.outlook.keys import Key, fingerprint, keys_of
from telemetry.statements import prepared, statement

_encode = msgspec.json.Encoder().encode


def forecast(conn: Connection[Any], *, project_id: int, asked: Asked, now: datetime) -> Forecast:
    """What a run that is about to begin will come to, from those that have ended. It is kept, so that it can be held
    against what becomes of the run. Raises psycopg.Error."""
    grants = budgets.applying(
        conn,
        project_id=project_id,
        session_id=asked.session_id,
        session_type=asked.session_type,
        task_type=asked.task_type,
        agent=asked.agent,
        objective=asked.objective,
    )
    keys = keys_of_asked(asked)
    books = read_books(conn, project_id=project_id, keys=keys, is_dated=False)
    outlook = dict(outlook_of(books, keys))
    if asked.context_tokens and "gross" in outlook:
        outlook["gross"] = outlook["gross"].given(asked.context_tokens)  # the first call reads it at least
    found = forecast_of(outlook, grants, runs=runs_in(books["gross"]), forecast_id=uuid4(), asked_at=now)
    write_forecasts(conn, project_id=project_id, rows=[row_of(found, outlook, asked, is_asked=True)])
    return found


def keys_of_asked(asked: Asked) -> list[Key]:
    """The keys of a run, coarse to fine."""
    said = fingerprint(asked.description, asked.task_id)
    return keys_of(tool=asked.tool, task_type=asked.task_type, agent=asked.agent, fingerprint=said)


def write_forecasts(conn: Connection[Any], *, project_id: int, rows: Sequence[dict[str, Any]]) -> None:
    """Keep forecasts: rows as `answering.row_of` makes them."""
    arguments = {"project": project_id, "rows": _encode(rows).decode()}
    prepared(conn, tuple_row).execute(statement(__package__, "write_forecasts"), arguments)
