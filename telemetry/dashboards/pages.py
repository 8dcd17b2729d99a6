"""The pages as ordered lists of panels, and how a page is read: in one snapshot, each panel on its own.

What is new is added up before the snapshot is taken. All panels see the database at the same instant, so a page never
disagrees with itself while calls come in. A panel that fails or takes longer than PANEL_TIMEOUT_S says so in its
place, and the rest of the page stands.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from django.db import DatabaseError, transaction
from psycopg import Connection

from telemetry import database, replica
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.panels import (
    agents,
    all_paid,
    breakers,
    budget_alerts,
    budget_curbs,
    budgets,
    cards,
    climbs,
    cost_by_day,
    cost_differences,
    execution_differences,
    findings,
    kept_answers,
    model_days,
    model_mix,
    model_totals,
    month_end,
    percentiles,
    reasons,
    rungs,
    sessions,
    shorter_prompts,
    task_types,
    tier_shares,
    tokens_by_day,
    unpriced,
)
from telemetry.dashboards.reader import Reader
from telemetry.series import rollups

PANEL_TIMEOUT_S = 15
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its name in addresses and files, its panels from top to bottom, whether it counts in days, and whether
    it stands beside the range before."""

    name: str
    panels: tuple[Panel, ...]
    by_day: bool = False
    compares: bool = True

    @property
    def tables(self) -> dict[str, Panel]:
        """The panels that can be had as CSV, by name."""
        return {panel.name: panel for panel in self.panels if panel not in (cards.PANEL, findings.PANEL)}


OVERVIEW = Page(
    "overview",
    (
        cards.PANEL,
        findings.PANEL,
        model_mix.PANEL,
        agents.PANEL,
        task_types.PANEL,
        sessions.PANEL,
        execution_differences.PANEL,
    ),
)
MODELS = Page(
    "models",
    (
        tokens_by_day.PANEL,
        cost_by_day.PANEL,
        unpriced.PANEL,
        cost_differences.PANEL,
        model_totals.PANEL,
        percentiles.PANEL,
        model_days.PANEL,
    ),
    by_day=True,
)
ROUTING = Page(
    "routing",
    (
        rungs.PANEL,
        tier_shares.PANEL,
        all_paid.PANEL,
        kept_answers.PANEL,
        shorter_prompts.PANEL,
        reasons.PANEL,
        climbs.PANEL,
        breakers.PANEL,
    ),
    compares=False,
)
BUDGETS = Page("budgets", (month_end.PANEL, budgets.PANEL, budget_curbs.PANEL, budget_alerts.PANEL))


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel with its answer, or with the reason why there is none."""

    panel: Panel
    content: object | None = None
    failure: str = ""


@contextmanager
def snapshot(project_id: int, *, now: datetime, exact: bool = False) -> Iterator[Connection[Any]]:
    """One instant of the database for everything that is read inside, each statement within PANEL_TIMEOUT_S; a moment
    before it, what is new in the project is added up if that is quickly done. A replica answers where one is near, and
    where `exact` is asked for only if it holds all that was committed: what a person has just done."""
    catch_up(project_id, now=now)
    with (
        database.reading_from(replica.nearest(exact=exact)),
        database.snapshot(using=database.reads(), timeout_s=PANEL_TIMEOUT_S) as conn,
    ):
        yield conn


def catch_up(project_id: int, *, now: datetime, patience: float = 0) -> bool:
    """Add up what is new; whether all of it is. Where that fails the page shows what is added up, and says that there
    is more."""
    try:
        return rollups.catch_up(database.connection(), project_id=project_id, now=now, patience=patience).is_clean
    except (psycopg.Error, DatabaseError):
        _log.exception("what is new in project %s could not be added up", project_id)
        return False


def show(panel: Panel, reader: Reader) -> Shown:
    """The panel's answer; what the database refuses becomes a sentence in the panel's place."""
    try:
        with transaction.atomic(using=database.reads()):
            return Shown(panel, panel.build(reader))
    except (psycopg.Error, DatabaseError) as error:
        if psycopg.errors.QueryCanceled in (type(error), type(error.__cause__)):
            return Shown(panel, failure=f"This took longer than {PANEL_TIMEOUT_S} s. A shorter range is faster.")
        _log.exception("the panel %s failed", panel.name)
        if database.reads() == replica.REPLICA:
            replica.leave_alone("it did not answer a panel")
        return Shown(panel, failure="The database did not answer this. The server's log says why.")
