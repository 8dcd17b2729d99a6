"""What one page reads: every question about its window is asked once, however many panels want the answer."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import timedelta
from fractions import Fraction
from typing import Any, TypeVar, cast

import psycopg
from django.conf import settings
from django.utils.module_loading import import_string
from msgspec.structs import replace
from psycopg import Connection

from telemetry.contracts import Call, Ladder, UsageRow
from telemetry.dashboards import sums, wasted
from telemetry.dashboards.pagestate import PageState
from telemetry.database import reads
from telemetry.ledger import overrides
from telemetry.ledger.pricing import computed_nanousd
from telemetry.limits.curbs import BudgetCurb, newest_curbs
from telemetry.limits.standing import Outlook, outlook
from telemetry.models import Project
from telemetry.observer import waste
from telemetry.observer.alerts.standing import Told, told_of_budgets
from telemetry.observer.waste import WasteSums
from telemetry.series import differences, queries
from telemetry.series.differences import ExecutionDifference
from telemetry.series.queries import CostDifference, SeriesPoint, Spread
from telemetry.series.session_totals import top_sessions
from telemetry.series.window import Window
from telemetry.usage import input_total

Answer = TypeVar("Answer")
_PRICED = 1_000  # tokens of which a price is asked: below every context from which a model is dearer


class Reader:
    """The series of one project, seen through the state of one page.

    Answers are kept for the page's other panels, and so are failures: what timed out once is not waited for again.
    """

    def __init__(self, conn: Connection[Any], project: Project, state: PageState) -> None:
        self.project = project
        self.state = state
        self._conn = conn
        self._answers: dict[Hashable, object] = {}

    def by_model(self) -> list[SeriesPoint]:
        """The sums of each bucket of the window by model, oldest first."""

        def ask() -> list[SeriesPoint]:
            return queries.usage_series(
                self._conn, project_id=self.project.pk, window=self.state.window, by="model", filters=self.state.filters
            )

        return self._once("by_model", ask)

    def models(self) -> dict[str, UsageRow]:
        """The sums of the window by model, which the series already holds."""
        return self._once("models", lambda: sums.by_key(point.usage for point in self.by_model()))

    def total(self) -> UsageRow:
        """The sums of the window."""
        return sums.total(self.models().values())

    def models_before(self) -> dict[str, UsageRow] | None:
        """The sums of the previous window by model; None where the page does not compare."""
        previous = self.state.previous
        if previous is None:
            return None
        return self._once("before", lambda: self._by_model(previous, filtered=True))

    def total_before(self) -> UsageRow | None:
        """The sums of the previous window; None where the page does not compare."""
        before = self.models_before()
        return None if before is None else sums.total(before.values())

    def models_unfiltered(self) -> dict[str, UsageRow]:
        """The sums of the window by model, whatever the page filters by."""
        if not self.state.filters:
            return self.models()
        return self._once("unfiltered", lambda: self._by_model(self.state.window, filtered=False))

    def by(self, dimension: str, *, limit: int) -> list[UsageRow]:
        """The dearest `limit` groups of the window; all of them where the page was asked for all rows."""

        def ask() -> list[UsageRow]:
            if dimension == "session" and not (self.state.filters or self.state.all_rows):
                return top_sessions(self._conn, project_id=self.project.pk, window=self.state.window, limit=limit)
            return queries.usage_by(
                self._conn,
                project_id=self.project.pk,
                window=self.state.window,
                by=dimension,
                filters=self.state.filters,
                limit=None if self.state.all_rows else limit,
            )

        return self._once((dimension, limit), ask)

    def spreads(self, dimension: str) -> dict[str, Spread]:
        """How the calls of the window spread over sizes and durations, by group."""

        def ask() -> dict[str, Spread]:
            return queries.histograms_by(
                self._conn,
                project_id=self.project.pk,
                window=self.state.window,
                by=dimension,
                filters=self.state.filters,
            )

        return self._once(("spreads", dimension), ask)

    def series_by(self, dimension: str) -> list[SeriesPoint]:
        """The sums of each bucket of the window by a dimension, oldest first."""

        def ask() -> list[SeriesPoint]:
            return queries.usage_series(
                self._conn,
                project_id=self.project.pk,
                window=self.state.window,
                by=dimension,
                filters=self.state.filters,
            )

        return self._once(("series", dimension), ask)

    def ladder(self) -> Ladder:
        """What the gateway says of its ladder, and of the UTC days that the window touches."""

        def ask() -> Ladder:
            tell: Callable[..., Ladder] = import_string(settings.LADDER)
            window = self.state.window
            return tell(
                project_id=self.project.pk,
                first=window.start.date(),
                last=(window.end - timedelta(microseconds=1)).date(),
                now=self.state.now,
            )

        return self._once("ladder", ask)

    def token_price(self, provider: str, model: str) -> tuple[Fraction, Fraction, Fraction] | None:
        """Nano-dollars of a token of a model now: of input, of input that a cache serves, of output; None: not
        known."""

        def ask() -> tuple[Fraction, Fraction, Fraction] | None:
            book = overrides.book_for(self._conn, project_id=self.project.pk)
            call = Call(started_at=self.state.now, provider=provider, model=model)
            fresh, cached, output = (
                computed_nanousd(one, input_total(one), book)[0]
                for one in (
                    replace(call, input_uncached=_PRICED),
                    replace(call, cache_read=_PRICED),
                    replace(call, output=_PRICED),
                )
            )
            if fresh is None or cached is None or output is None:
                return None
            return Fraction(fresh, _PRICED), Fraction(cached, _PRICED), Fraction(output, _PRICED)

        return self._once(("price", provider, model), ask)

    def unpriced_models(self) -> list[tuple[str, str, int]]:
        """(provider, model, calls) that have no cost in the window."""

        def ask() -> list[tuple[str, str, int]]:
            return queries.unpriced_models(
                self._conn, project_id=self.project.pk, window=self.state.window, filters=self.state.filters
            )

        return self._once("unpriced", ask)

    def cost_differences(self, *, above_percent: int) -> list[CostDifference]:
        """Models whose reported and computed cost differ in the window."""
        return queries.cost_differences(
            self._conn,
            project_id=self.project.pk,
            window=self.state.window,
            above_percent=above_percent,
            filters=self.state.filters,
        )

    def execution_differences(self, *, limit: int | None) -> list[ExecutionDifference]:
        """Executions of the window whose sent totals are not the sums of their calls; the others as one more row."""
        return differences.execution_differences(
            self._conn,
            project_id=self.project.pk,
            window=self.state.window,
            filters=self.state.filters,
            limit=limit,
        )

    def waste(self) -> WasteSums:
        """What the anomalies of the window wasted, as far as the page is narrowed by what they are kept by."""
        return self._once("waste", lambda: self._waste(self.state.window))

    def used(self) -> int:
        """The tokens of all calls of the window, whatever the page is narrowed to, as detectors count them."""

        def ask() -> int:
            total = queries.usage_total(self._conn, project_id=self.project.pk, window=self.state.window)
            return wasted.measured(total, measure=self.project.token_measure)

        return self._once("used", ask)

    def outlook(self) -> Outlook:
        """How the project's budgets stand, whatever the page's window."""

        def ask() -> Outlook:
            return outlook(self._conn, project_id=self.project.pk, zone=self.project.time_zone, now=self.state.now)

        return self._once("outlook", ask)

    def told_of_budgets(self, most: int) -> list[Told]:
        """The newest alerts of budgets, whatever the page's window."""
        return told_of_budgets(self.project.pk, using=reads(), most=most)

    def curbs(self, most: int) -> list[BudgetCurb]:
        """What budgets refused or lowered last, whatever the page's window."""
        return newest_curbs(self._conn, project_id=self.project.pk, most=most)

    def _waste(self, window: Window) -> WasteSums:
        return waste.sums(
            self._conn,
            project_id=self.project.pk,
            start=window.start,
            end=window.end,
            filters=self.state.filters,
        )

    def _by_model(self, window: Window, *, filtered: bool) -> dict[str, UsageRow]:
        filters = self.state.filters if filtered else None
        rows = queries.usage_by(self._conn, project_id=self.project.pk, window=window, by="model", filters=filters)
        return {row.key: row for row in rows}

    def _once(self, question: Hashable, ask: Callable[[], Answer]) -> Answer:
        """The answer to a question that was asked before, or the failure that it ended in."""
        if question not in self._answers:
            try:
                self._answers[question] = ask()
            except psycopg.Error as error:
                self._answers[question] = error
        answer = self._answers[question]
        if isinstance(answer, psycopg.Error):
            raise answer
        return cast(Answer, answer)
