"""Panel: calls by tier over time, and in its table each tier's share of them beside what it should be."""

from __future__ import annotations

from dataclasses import replace

from telemetry.contracts import Ladder
from telemetry.dashboards import charts, colours, formats, stack, sums
from telemetry.dashboards.panel import Chart, Panel
from telemetry.dashboards.reader import Reader
from telemetry.dashboards.stack import Stack
from telemetry.dashboards.tables import Cell, Column, Row, Table, count


def build(reader: Reader) -> Chart | None:
    """None where no call bears a tier."""
    points = [point for point in reader.series_by("tier") if point.usage.key]
    if not points:
        return None
    known = [rung.name for rung in reader.ladder().rungs]
    told = sums.most_telling(sums.by_key(point.usage for point in points), limit=stack.MAX_SERIES)
    pile = stack.pile(
        points,
        window=reader.state.window,
        metric="calls",
        now=reader.state.now,
        settled=colours.slots([*known, *told]),
    )
    ranks = {name: place for place, name in enumerate(known)}
    layers = sorted(pile.layers, key=lambda layer: (ranks.get(layer.name, len(ranks)), layer.name))
    pile = replace(pile, layers=tuple(layers))
    return Chart(
        figure_id="figure-tier-shares",
        figure=charts.stacked_bars(pile),
        summary=stack.summary(pile, before=None),
        table=_table(pile, reader.ladder()),
    )


PANEL = Panel("tier-shares", "Calls by tier", "telemetry/_chart.html", build)


def _table(pile: Stack, ladder: Ladder) -> Table:
    """One row a bucket, newest first: how many calls, and each tier's share; beneath, all of them and the targets."""
    targets = {rung.name: rung.share for rung in ladder.rungs}
    columns = (
        Column("bucket", "Begins", "text"),
        Column("calls", "Calls"),
        *(Column(f"{layer.name}_percent", layer.name) for layer in pile.layers),
    )
    rows = [
        Row((_bucket(pile, place), *_shares([layer.values[place] for layer in pile.layers])))
        for place in range(len(pile.starts) - 1, -1, -1)
    ]
    whole = Row((_words("All"), *_shares([sum(layer.values) for layer in pile.layers])), "total")
    wanted = [
        Cell(f"{100 * targets[layer.name]:.1f}%", f"{100 * targets[layer.name]:.1f}")
        if layer.name in targets
        else Cell("–", "")
        for layer in pile.layers
    ]
    return Table(columns, (*rows, Row((_words("Target"), Cell("", ""), *wanted))), whole)


def _shares(values: list[int]) -> list[Cell]:
    whole = sum(values)
    shares = [formats.percent(value, whole) if whole else "" for value in values]
    return [count(whole), *(Cell(f"{share}%" if share else "–", share) for share in shares)]


def _bucket(pile: Stack, place: int) -> Cell:
    local = pile.starts[place].astimezone(pile.window.tz)
    return Cell(pile.labels[place], local.isoformat(), note="so far" if place == pile.runs else "", words=True)


def _words(words: str) -> Cell:
    return Cell(words, words, words=True)
