"""The panels of the Objectives page, each from what was read once."""

from __future__ import annotations

from telemetry.dashboards import charts, formats, objectivetables, stack, twin, wasted
from telemetry.dashboards.panel import Chart, Panel
from telemetry.dashboards.panels.cards import Card
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.tables import Table
from telemetry.limits import objectives
from telemetry.limits.goals import Goal
from telemetry.limits.spending import Spend, Sums


class ObjectiveReader(Reader):
    """What the page reads, each question once."""

    @property
    def goals(self) -> list[Goal]:
        """The objectives of the project."""
        return self._once("goals", lambda: objectives.goals(self.project.pk))

    @property
    def spend(self) -> Spend:
        """What was used in the window, and where it counts."""
        window = self.state.window
        return self._once("spend", lambda: objectives.spend(self._conn, project=self.project, window=window))


def panels(reader: ObjectiveReader) -> tuple[Panel, ...]:
    """The page from top to bottom."""
    return (
        Panel("sums", "In figures", "telemetry/_cards.html", lambda _: _cards(reader)),
        Panel("by-day", "Cost by objective and day", "telemetry/_chart.html", lambda _: _chart(reader)),
        Panel("results", "Key results", "telemetry/_table.html", lambda _: _results(reader)),
        Panel("progress", "Progress, beside what was spent", "telemetry/_table.html", lambda _: _progress(reader)),
        Panel("unattributed", "Unattributed", "telemetry/_table.html", lambda _: _left(reader)),
        Panel("levels", "How it was counted", "telemetry/_table.html", lambda _: _levels(reader)),
    )


def _cards(reader: ObjectiveReader) -> tuple[Card, ...] | None:
    spend = reader.spend
    whole, left = spend.total, spend.unattributed
    unpriced = f", {formats.counted(whole.unpriced_calls, 'call', 'calls')} unpriced" if whole.unpriced_calls else ""
    share = formats.percent(spend.attributed_nanousd, whole.cost_nanousd)
    ended = whole.done + whole.failed
    succeeded = formats.percent(whole.done, ended)
    return (
        _money("spend", "Spend", whole.cost_nanousd, f"{formats.counted(whole.runs, 'run', 'runs')}{unpriced}"),
        _money("attributed", "For objectives", spend.attributed_nanousd, f"{share}% of it"),
        _money("left", objectivetables.UNATTRIBUTED, left.cost_nanousd, "in no objective"),
        _card("success", "Succeeded", f"{succeeded}%" if ended else "–", succeeded if ended else "", _known(ended)),
        _card(
            "wasted",
            "Tokens wasted",
            formats.compact(whole.tokens_wasted),
            str(whole.tokens_wasted),
            _of_all(whole, reader.project.token_measure),
        ),
    )


def _chart(reader: ObjectiveReader) -> Chart | None:
    """None where nothing has a price."""
    if not reader.spend.total.cost_nanousd:
        return None
    pile = objectivetables.pile(reader.goals, reader.spend, window=reader.state.window, now=reader.state.now)
    return Chart(
        figure_id="figure-by-day",
        figure=charts.stacked_bars(pile),
        summary=stack.summary(pile, before=None, unpriced_calls=reader.spend.total.unpriced_calls),
        table=twin.as_table(pile),
    )


def _results(reader: ObjectiveReader) -> Table:
    return objectivetables.results_table(reader.goals, reader.spend)


def _progress(reader: ObjectiveReader) -> Table | None:
    return objectivetables.progress_table(reader.goals, reader.spend, window=reader.state.window)


def _left(reader: ObjectiveReader) -> Table | None:
    """None where everything is named."""
    return objectivetables.left_table(reader.spend, all_rows=reader.state.all_rows) if reader.spend.left else None


def _levels(reader: ObjectiveReader) -> Table:
    return objectivetables.levels_table(reader.spend)


def _known(ended: int) -> str:
    return f"of {formats.counted(ended, 'run', 'runs')} of which it is known"


def _of_all(whole: Sums, measure: str) -> str:
    """How waste was counted; a share only where all tokens are counted alike."""
    if measure != wasted.GROSS:
        return "weighed by price, each run once"
    return ", ".join(filter(None, (wasted.part(whole.tokens_wasted, whole.tokens, measure=measure), "each run once")))


def _money(name: str, title: str, nanousd: int, note: str) -> Card:
    return _card(name, title, formats.usd(nanousd), formats.exact_usd(nanousd), note)


def _card(name: str, title: str, figure: str, value: str, note: str) -> Card:
    return Card(
        name=name, title=title, figure=figure, value=value, exact="", note=note, change=None, before="", line=""
    )
