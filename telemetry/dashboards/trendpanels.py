"""The panels of the trends page: one day of a project beside the days before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Literal

from psycopg import Connection

from telemetry.dashboards import bands, formats, trendtables, waterfall
from telemetry.dashboards.bands import Course
from telemetry.dashboards.listing import Listing, Pager
from telemetry.dashboards.pagestate import PageState
from telemetry.dashboards.panel import Chart, Panel
from telemetry.dashboards.panels.cards import Card
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Table
from telemetry.dashboards.trendtables import Address
from telemetry.models import Project
from telemetry.outlook import changes, day_sums, trend_reading, trends
from telemetry.outlook.decomposition import CellChange, Difference, decompose
from telemetry.outlook.verdicts import DaySum, Verdict, What, verdicts_of
from telemetry.series.window import time_zone

BACK = timedelta(days=changes.LONGEST)
MOST_FLAGGED, MOST_BEFORE = 300, 30
UNITS: Mapping[What, tuple[str, str]] = {"intensity": ("token a run", "tokens a run"), "volume": ("run", "runs")}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which day, against how many before it, cut by what; of which series the bands are, None where filters name none
    that has any. `since` is the project's first day."""

    day: date
    today: date
    since: date
    against: Literal[7, 30]
    by: str
    series: tuple[str, str] | None

    @property
    def runs_on(self) -> bool:
        """Whether the day is not over."""
        return self.day >= self.today


@dataclass(frozen=True, slots=True)
class SeriesList:
    """A page of the series of a dimension."""

    table: Table
    pager: Pager
    csv_link: str


class TrendReader(Reader):
    """What the page reads, each question once."""

    def __init__(self, conn: Connection[Any], project: Project, state: PageState, asked: Asked) -> None:
        super().__init__(conn, project, state)
        self.asked = asked
        self.tz = time_zone(project.time_zone)

    def verdicts(self) -> list[Verdict]:
        """What is said of the day and the page's filters: what the night said, else what it would say now; nothing of a
        day that was left out."""

        def ask() -> list[Verdict]:
            day, project = self.asked.day, self.project
            said = trends.read(self._conn, project_id=project.pk, start=day, end=day)
            if not said and day >= self.asked.today - _DAY:
                said = trends.glance(self._conn, project=project, day=day, now=self.state.now)
            return verdicts_of(said, self.state.filters)

        return self._once("verdicts", ask)

    def course(self, what: What) -> Course | None:
        """The days of the page's series, up to this one."""
        if self.asked.series is None:
            return None
        dimension, name = self.asked.series
        mine = [one for one in self.verdicts() if (one.dimension, one.name) == self.asked.series]
        said = [one for one in (*self._history(dimension, name), *mine) if one.what == what]
        first = max(self.asked.since, self.asked.day - BACK)
        days = [first + n * _DAY for n in range((self.asked.day - first).days + 1)]
        return bands.course(said, days=days, runs_on=self.asked.runs_on)

    def _history(self, dimension: str, name: str) -> list[Verdict]:
        return self._once(
            "history",
            lambda: trend_reading.verdicts_of_series(
                self._conn,
                project_id=self.project.pk,
                dimension=dimension,
                name=name,
                first=self.asked.day - BACK,
                last=self.asked.day - _DAY,
            ),
        )

    def flagged_before(self) -> list[Verdict]:
        """What was unusual in the thirty days before and is explained by nothing else, the newest first."""

        def ask() -> list[Verdict]:
            last = self.asked.day - _DAY
            found = trend_reading.flagged_verdicts(
                self._conn, project_id=self.project.pk, first=self.asked.day - BACK, last=last, limit=MOST_FLAGGED
            )
            roots = [one for one in verdicts_of(found, self.state.filters) if not one.root_dimension]
            return sorted(roots, key=lambda one: one.day, reverse=True)[:MOST_BEFORE]

        return self._once("flagged_before", ask)

    def difference(self) -> Difference | None:
        """The day against those before, as far as the page is narrowed; None where nothing is before."""
        return self._once(
            "difference",
            lambda: changes.change(
                self._sums(),
                first=self.asked.day,
                last=self.asked.day,
                since=self.asked.since,
                before=self.asked.against,
            ),
        )

    def whole(self) -> CellChange:
        """What the day came to, and a usual one where there is any."""
        found = self.difference()
        if found is None:
            found = decompose({}, changes.cells(row for row in self._sums() if row.day == self.asked.day))
        return found.whole

    @property
    def is_quiet(self) -> bool:
        """Whether the day is not over and nothing has run on it yet: then there is no difference to speak of."""
        return self.asked.runs_on and not self.whole().after.runs

    def _sums(self) -> list[DaySum]:
        def ask() -> list[DaySum]:
            first = self.asked.day - BACK
            found = day_sums.read(self._conn, project_id=self.project.pk, first=first, last=self.asked.day, tz=self.tz)
            return changes.narrowed(found, self.state.filters)

        return self._once("sums", ask)


def panels(reader: TrendReader, listed: Listing, address: Address) -> tuple[Panel, ...]:
    """The page from top to bottom; each is read, and may fail, on its own."""
    when = " so far" if reader.asked.runs_on else ""
    return (
        Panel("sums", "In figures", "telemetry/_cards.html", lambda _: _cards(reader)),
        Panel("unusual", f"Unusual on this day{when}", "telemetry/_table.html", lambda _: _unusual(reader, address)),
        Panel("intensity", "Tokens of a usual run", "telemetry/_chart.html", lambda _: _bands(reader, "intensity")),
        Panel("volume", "Runs", "telemetry/_chart.html", lambda _: _bands(reader, "volume")),
        Panel("change", "From a usual day to this one", "telemetry/_chart.html", lambda _: _waterfall(reader)),
        Panel("changes", "Where the difference comes from", "telemetry/_table.html", lambda _: _changes(reader)),
        Panel("series", "All series of the day", "telemetry/_series.html", lambda _: _series(reader, listed, address)),
        Panel("before", "Unusual in the 30 days before", "telemetry/_table.html", lambda _: _before(reader, address)),
    )


def _cards(reader: TrendReader) -> tuple[Card, ...]:
    whole, asked = reader.whole(), reader.asked
    compared = whole.before_nanousd and not asked.runs_on
    usual = f"{formats.usd(whole.before_nanousd)} on a usual day" if reader.difference() else "nothing before"
    cost = _card("cost", "Cost", formats.usd(whole.after_nanousd), formats.exact_usd(whole.after_nanousd), usual)
    if compared:
        cost = replace(cost, change=formats.change(whole.after_nanousd, whole.before_nanousd))
    found = reader.verdicts()
    flagged = sum(one.is_flagged for one in found)
    known = sum(one.state != "learning" for one in found)
    learning = f", {formats.whole(len(found) - known)} being learnt" if len(found) > known else ""
    return (
        cost,
        _measured(reader, "runs", "Runs", "volume"),
        _measured(reader, "intensity", "Tokens of a usual run", "intensity"),
        _card(
            "unusual",
            "Unusual",
            formats.whole(flagged),
            str(flagged),
            f"of {formats.counted(known, 'comparison', 'comparisons')}{learning}",
        ),
    )


def _measured(reader: TrendReader, name: str, title: str, what: What) -> Card:
    """A value of the page's series beside its band; of what has no series the sums alone."""
    course = reader.course(what)
    last = course.last if course else None
    if last is None or last.value is None:
        runs = reader.whole().after.runs
        value = formats.whole(runs) if what == "volume" else "\N{EN DASH}"
        return _card(name, title, value, str(runs) if what == "volume" else "", "")
    usual = "still being learnt" if last.low_30 is None else f"usual: {bands.between(last.low_30, last.high_30)}"
    return _card(name, title, bands.number(last.value), f"{last.value:.10g}", usual)


def _card(name: str, title: str, figure: str, value: str, note: str) -> Card:
    return Card(
        name=name, title=title, figure=figure, value=value, exact="", note=note, change=None, before="", line=""
    )


def _unusual(reader: TrendReader, address: Address) -> Table | None:
    found = [one for one in reader.verdicts() if one.is_flagged]
    found.sort(key=lambda one: (bool(one.root_dimension), -abs(one.at_stake_nanousd), one.dimension, one.name))
    return trendtables.unusual(found, address=address, one_day=True) if found else None


def _bands(reader: TrendReader, what: What) -> Chart | None:
    course = reader.course(what)
    if course is None or not any(course.verdicts):
        return None
    return Chart(
        figure_id=f"figure-{what}",
        figure=bands.figure(course),
        summary=bands.summary(course, *UNITS[what]),
        table=bands.table(course),
    )


def _waterfall(reader: TrendReader) -> Chart | None:
    found = reader.difference()
    if found is None or not found.cells or reader.is_quiet:
        return None
    whole = found.whole
    return Chart(
        figure_id="figure-change",
        figure=waterfall.figure(whole),
        summary=waterfall.summary(whole, days=found.days_before, so_far=reader.asked.runs_on),
        table=waterfall.table(whole),
    )


def _changes(reader: TrendReader) -> Table | None:
    found, by = reader.difference(), reader.asked.by
    if found is None or not found.cells or reader.is_quiet:
        return None
    return trendtables.changes(
        found.cells,
        by=by,
        address=lambda name: reader.state.with_filter(by, name),
        all_rows=reader.state.all_rows,
    )


def _series(reader: TrendReader, listed: Listing, address: Address) -> SeriesList | None:
    filters = reader.state.filters
    by = reader.asked.by if not filters or reader.asked.by in filters else next(iter(filters))
    found = {(one.name, one.what): one for one in reader.verdicts() if one.dimension == by}
    costs = {one.name: one.cost_nanousd for one in found.values()}
    names = sorted(costs, key=lambda name: (-costs[name], name))
    if not names:
        return None
    listed = listed.within(len(names))
    shown = names[listed.offset :][: listed.limit]
    table = trendtables.series(shown, found, by=by, address=address)
    table = replace(table, shortened=len(shown) < len(names))
    return SeriesList(table, listed.pager(len(names)), listed.csv_link)


def _before(reader: TrendReader, address: Address) -> Table | None:
    found = reader.flagged_before()
    return trendtables.unusual(found, address=address) if found else None
