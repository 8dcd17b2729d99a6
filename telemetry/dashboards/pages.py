"""The pages as ordered lists of panels, and how a page is read: in one snapshot, each panel on its own.

All panels see the database at the same instant, so a page never disagrees with itself while calls come in. A panel
that fails or takes longer than PANEL_TIMEOUT_S says so in its place, and the rest of the page stands.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from django.db import DatabaseError, connection, transaction

from telemetry.dashboards.panel import Panel
from telemetry.dashboards.panels import (
    agents,
    cards,
    cost_by_day,
    cost_differences,
    execution_differences,
    model_days,
    model_mix,
    model_totals,
    sessions,
    task_types,
    tokens_by_day,
    unpriced,
)
from telemetry.dashboards.reader import Reader

PANEL_TIMEOUT_S = 15
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its name in addresses and files, its panels from top to bottom, and whether it counts in days."""

    name: str
    panels: tuple[Panel, ...]
    by_day: bool = False

    @property
    def tables(self) -> dict[str, Panel]:
        """The panels that can be had as CSV, by name."""
        return {panel.name: panel for panel in self.panels if panel is not cards.PANEL}


OVERVIEW = Page(
    "overview",
    (cards.PANEL, model_mix.PANEL, agents.PANEL, task_types.PANEL, sessions.PANEL, execution_differences.PANEL),
)
MODELS = Page(
    "models",
    (
        tokens_by_day.PANEL,
        cost_by_day.PANEL,
        unpriced.PANEL,
        cost_differences.PANEL,
        model_totals.PANEL,
        model_days.PANEL,
    ),
    by_day=True,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel with its answer, or with the reason why there is none."""

    panel: Panel
    content: object | None = None
    failure: str = ""


@contextmanager
def snapshot() -> Iterator[None]:
    """One instant of the database for everything that is read inside, each statement within PANEL_TIMEOUT_S."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{PANEL_TIMEOUT_S}s"])
        yield


def show(panel: Panel, reader: Reader) -> Shown:
    """The panel's answer; what the database refuses becomes a sentence in the panel's place."""
    try:
        with transaction.atomic():
            return Shown(panel, panel.build(reader))
    except (psycopg.Error, DatabaseError) as error:
        if psycopg.errors.QueryCanceled in (type(error), type(error.__cause__)):
            return Shown(panel, failure=f"This took longer than {PANEL_TIMEOUT_S} s. A shorter range is faster.")
        _log.exception("the panel %s failed", panel.name)
        return Shown(panel, failure="The database did not answer this. The server's log says why.")
