"""Objectives and key results as they are written down. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Value:
    """What a metric was on a day."""

    day: date
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A key result as it is written down. `values` are in order of their days."""

    id: int
    key: str
    title: str
    metric: str
    unit: str
    direction: str
    start: Decimal | None
    target: Decimal | None
    first_day: date | None
    last_day: date | None
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """An objective with its key results. `priority` is 1 for high, 2 for normal, 3 for low; `priority_name` says so."""

    id: int
    key: str
    title: str
    priority: int
    priority_name: str
    owner: str
    first_day: date | None
    last_day: date | None
    results: tuple[Result, ...] = ()
