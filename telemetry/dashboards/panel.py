"""What a panel is: a name, the questions that it asks, and the fragment that prints the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from telemetry.dashboards.charts import Figure
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Table


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure, one sentence that says the same, and the table of its numbers."""

    figure_id: str
    figure: Figure
    summary: str
    table: Table
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A link that shows the same panel otherwise."""

    title: str
    url: str
    current: bool


@runtime_checkable
class HasTable(Protocol):
    """What can be sent as CSV: a table, or a chart with its table twin."""

    @property
    def table(self) -> Table: ...


@dataclass(frozen=True, slots=True)
class Panel:
    """One block of a page. `build` reads and returns what `template` prints; None: there is nothing to show.

    `name` is also the name of the panel's CSV, so a panel holds one table at most.
    """

    name: str
    title: str
    template: str
    build: Callable[[Reader], object | None]
