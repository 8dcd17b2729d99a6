"""By what anomalies may be narrowed: the same words in addresses, in the API, and in every sum over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import LiteralString

from psycopg import sql

FILTERS: Mapping[str, LiteralString] = {
    "detector": "detector",
    "severity": "severity",
    "state": "state",
    "agent": "agent",
    "model": "model",
    "task_type": "task_type",
    "session": "session_id",
    "execution": "execution_id",
}
Filters = Mapping[str, Sequence[str]]


class UnknownFilter(ValueError):
    """A filter that is not in FILTERS."""


def clauses(filters: Filters | None) -> sql.Composed:
    """The conditions of filters on `telemetry_anomaly`, to stand behind others. Raises UnknownFilter."""
    return sql.SQL(" ").join(
        sql.SQL("AND {} = ANY({})").format(_column(name), sql.Placeholder(f"filter_{name}")) for name in filters or {}
    )


def arguments(filters: Filters | None) -> dict[str, list[str]]:
    """What the placeholders of `clauses` stand for."""
    return {f"filter_{name}": list(values) for name, values in (filters or {}).items()}


def _column(name: str) -> sql.Identifier:
    if name not in FILTERS:
        raise UnknownFilter(f"Anomalies cannot be filtered by {name!r}; choose from {', '.join(FILTERS)}.")
    return sql.Identifier(FILTERS[name])
