"""What stands on the page of skills: figures, loads over time, each skill, and what cannot be given out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from telemetry.contracts import SkillShelf
from telemetry.dashboards import charts, skilltables, stack
from telemetry.dashboards.panel import Chart, Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.skilltables import Told
from telemetry.dashboards.stack import Stack
from telemetry.dashboards.tables import Cell, Column, Row, Table, count
from telemetry.series import skill_reading
from telemetry.series.queries import SeriesPoint


class SkillReader(Reader):
    """What the page reads, each question once."""

    @property
    def told(self) -> Told:
        """Loads of the window by skill, how runs ended, and what there is now."""

        def ask() -> Told:
            about: dict[str, Any] = {
                "project_id": self.project.pk,
                "window": self.state.window,
                "filters": self.state.filters,
            }
            tell: Callable[..., SkillShelf] = import_string(settings.SKILL_SHELF)
            return Told(
                skill_reading.skill_totals(self._conn, **about),
                skill_reading.skill_success(self._conn, **about),
                tell(project_id=self.project.pk),
            )

        return self._once("told", ask)

    @property
    def points(self) -> list[SeriesPoint]:
        """Loads of each bucket by skill."""

        def ask() -> list[SeriesPoint]:
            return skill_reading.skill_series(
                self._conn, project_id=self.project.pk, window=self.state.window, filters=self.state.filters
            )

        return self._once("points", ask)


def panels(reader: SkillReader) -> tuple[Panel, ...]:
    """The page from top to bottom."""
    table = "telemetry/_table.html"
    return (
        Panel("sums", "In figures", "telemetry/_cards.html", lambda _: skilltables.skill_cards(reader.told)),
        Panel("frequency", "Loads by skill", "telemetry/_chart.html", lambda _: _frequency(reader)),
        Panel("skills", "Skills", table, lambda _: skilltables.skill_table(reader.told, reader.state)),
        Panel("alike", "Say much the same", table, lambda _: skilltables.alike_table(reader.told.shelf.alike)),
        Panel("broken", "Not given out", table, lambda _: skilltables.broken_table(reader.told.shelf.broken)),
    )


def _frequency(reader: SkillReader) -> Chart | None:
    """None where nothing was loaded."""
    if not reader.points:
        return None
    pile = stack.pile(reader.points, window=reader.state.window, metric="loads", now=reader.state.now, settled={})
    return Chart(
        figure_id="figure-frequency",
        figure=charts.stacked_bars(pile),
        summary=stack.summary(pile, before=None),
        table=_table(pile),
    )


def _table(pile: Stack) -> Table:
    """One row a bucket, newest first."""
    columns = (
        Column("bucket", "Begins", "text"),
        Column("loads", "Loads"),
        *(Column(one.name, one.name) for one in pile.layers),
    )
    rows = []
    for place in range(len(pile.starts) - 1, -1, -1):
        at = pile.starts[place].astimezone(pile.window.tz)
        begins = Cell(pile.labels[place], at.isoformat(), note="so far" if place == pile.runs else "", words=True)
        values = [layer.values[place] for layer in pile.layers]
        rows.append(Row((begins, count(sum(values)), *map(count, values))))
    return Table(columns, tuple(rows))
