"""A chart and its table twin, made from one stack: whoever cannot see the bars reads the same numbers."""

from __future__ import annotations

from telemetry.dashboards import charts, colours, formats, stack, sums
from telemetry.dashboards.pagestate import Metric
from telemetry.dashboards.panel import Chart, Choice
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.stack import Stack
from telemetry.dashboards.tables import TOTAL, Cell, Column, Row, Table

_BUCKET_TITLES = {"15m": "Quarter of an hour", "1h": "Hour", "1d": "Day", "1w": "Week"}


def chart(reader: Reader, name: str, metric: Metric, choices: tuple[Choice, ...] = ()) -> Chart:
    """The window's series by model as stacked bars."""
    state = reader.state
    pile = stack.pile(
        reader.by_model(), window=state.window, metric=metric, now=state.now, settled=settled_colours(reader)
    )
    before = reader.total_before()
    return Chart(
        figure_id=f"figure-{name}",
        figure=charts.stacked_bars(pile),
        summary=stack.summary(
            pile,
            before=None if before is None else stack.measure(before, metric),
            unpriced_calls=reader.total().unpriced_calls,
        ),
        table=as_table(pile),
        choices=choices,
    )


def settled_colours(reader: Reader) -> dict[str, int]:
    """The colours of the models that matter in the window before filters, so that a filter changes no colour."""
    return colours.slots(sums.most_telling(reader.models_unfiltered(), limit=stack.MAX_SERIES))


def as_table(pile: Stack) -> Table:
    """One row a bucket, newest first, one column a layer."""
    names = [layer.name for layer in pile.layers]
    columns = [Column(name, name) for name in names]
    rows = [
        Row((_bucket(pile, index), *_figures(pile, [layer.values[index] for layer in pile.layers])))
        for index in range(len(pile.starts) - 1, -1, -1)
    ]
    totals = _figures(pile, [sum(layer.values) for layer in pile.layers])
    first = Column("bucket", _BUCKET_TITLES[pile.window.bucket], "text")
    total = Row((Cell(TOTAL, TOTAL, words=True), *totals), "total")
    return Table((first, *columns, Column("total", TOTAL)), tuple(rows), total)


def _bucket(pile: Stack, index: int) -> Cell:
    """A bucket's name; for machines its local start."""
    local = pile.starts[index].astimezone(pile.window.tz)
    exact = local.isoformat() if pile.window.bucket in ("15m", "1h") else local.date().isoformat()
    return Cell(pile.labels[index], exact, note="so far" if index == pile.runs else "", words=True)


def _figures(pile: Stack, values: list[int]) -> list[Cell]:
    """A cell a layer and one for their sum."""
    numbers = [*values, sum(values)]
    if pile.metric == "cost":
        return [Cell(formats.usd(number), formats.exact_usd(number)) for number in numbers]
    return [Cell(formats.whole(number), str(number)) for number in numbers]
