"""What stands on the page of forecasts above their list: figures, calibration, coverage, and how alerts did."""

from __future__ import annotations

from telemetry.dashboards import calibration, forecasttables, formats
from telemetry.dashboards.calibration import Bucket
from telemetry.dashboards.panel import Chart, Panel
from telemetry.dashboards.panels.cards import Card
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Table
from telemetry.outlook import forecast_reading, hindsight
from telemetry.outlook.hindsight import DayScores, Scores


class ForecastReader(Reader):
    """What the page reads, each question once."""

    @property
    def days(self) -> list[DayScores]:
        """How the forecasts of the window did, by local day and level."""

        def ask() -> list[DayScores]:
            window = self.state.window
            return forecast_reading.forecast_scores(
                self._conn,
                project_id=self.project.pk,
                start=window.start,
                end=window.end,
                zone=window.zone,
                filters=self.state.filters,
            )

        return self._once("days", ask)

    @property
    def whole(self) -> Scores:
        """The sums of all of them."""
        return hindsight.total(one.scores for one in self.days)

    @property
    def bins(self) -> list[int]:
        """Where outcomes fell among what was expected."""

        def ask() -> list[int]:
            window = self.state.window
            return forecast_reading.forecast_bins(
                self._conn,
                project_id=self.project.pk,
                start=window.start,
                end=window.end,
                filters=self.state.filters,
            )

        return self._once("bins", ask)


def panels(reader: ForecastReader) -> tuple[Panel, ...]:
    """The page from top to bottom, but for the list."""
    chart, table = "telemetry/_chart.html", "telemetry/_table.html"
    return (
        Panel("sums", "In figures", "telemetry/_cards.html", lambda _: _cards(reader.whole)),
        Panel("calibration", "Expected against observed", chart, lambda _: _calibration(reader)),
        Panel("coverage", "Within q90, by day of the forecast", chart, lambda _: _coverage(reader)),
        Panel("rules", "Who was told of budgets that were exceeded", table, lambda _: _rules(reader.whole)),
        Panel("levels", "By what forecasts rest on", table, lambda _: _levels(reader)),
    )


def _cards(whole: Scores) -> tuple[Card, ...]:
    none = whole.forecasts - whole.estimated
    against = whole.loss_against_naive
    return (
        _card(
            "forecasts",
            "Forecasts",
            formats.compact(whole.forecasts),
            str(whole.forecasts),
            f"{formats.whole(whole.asked)} asked for by agents"
            + (f", {formats.whole(none)} without estimate" if none else ""),
        ),
        _share(
            "within_q90",
            "Within q90",
            whole.within_q90,
            whole.scored,
            "of {} that ended; 90% is right",
            "no run has ended yet",
        ),
        _card(
            "loss",
            "Loss",
            "–" if against is None else f"{100 * against:.1f}%",
            "" if against is None else f"{100 * against:.1f}",
            "of q90, against the bound mean × 1.5: below 100% is better",
        ),
        _share(
            "exceeded",
            "Exceeded",
            whole.exceeded,
            whole.judged,
            "of {} with a budget",
            "no run with a budget has ended yet",
        ),
        _share("precision", "Precision", whole.warned_right, whole.warned, "of {} right", "no warning yet", "warning"),
        _share("recall", "Recall", whole.warned_right, whole.exceeded, "of {} warned of", "no overrun yet", "overrun"),
    )


def _share(name: str, title: str, part: int, whole: int, words: str, nothing: str, one: str = "run") -> Card:
    """A share; the `words` behind it say what it is of, in place of {} how many, or that it is of `nothing`."""
    if not whole:
        return _card(name, title, "–", "", nothing)
    share = formats.percent(part, whole)
    counted = words.format(formats.counted(whole, one, f"{one}s"))
    return _card(name, title, f"{share}%", share, f"{formats.whole(part)} {counted}")


def _card(name: str, title: str, figure: str, value: str, note: str) -> Card:
    return Card(
        name=name, title=title, figure=figure, value=value, exact="", note=note, change=None, before="", line=""
    )


def _calibration(reader: ForecastReader) -> Chart | None:
    """None until a run has ended of which something was expected."""
    if not sum(reader.bins):
        return None
    return Chart(
        figure_id="figure-calibration",
        figure=calibration.curve_figure(reader.bins),
        summary=calibration.curve_summary(reader.bins),
        table=calibration.curve_table(reader.bins),
    )


def _coverage(reader: ForecastReader) -> Chart | None:
    if not reader.whole.scored:
        return None
    found: list[Bucket] = calibration.buckets(reader.days, reader.state.by_day().window)
    return Chart(
        figure_id="figure-coverage",
        figure=calibration.coverage_figure(found),
        summary=calibration.coverage_summary(reader.whole),
        table=calibration.coverage_table(found),
    )


def _rules(whole: Scores) -> Table | None:
    return forecasttables.rules_table(whole) if whole.judged else None


def _levels(reader: ForecastReader) -> Table | None:
    return forecasttables.levels_table(reader.days, reader.whole) if reader.days else None
