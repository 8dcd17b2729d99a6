"""Panel: six figures of the window, each with its change and its history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import attrgetter

from telemetry.contracts import UsageRow
from telemetry.dashboards import formats, sparkline, sums
from telemetry.dashboards.formats import Change
from telemetry.dashboards.panel import Panel
from telemetry.dashboards.reader import Reader


@dataclass(frozen=True, slots=True)
class Card:
    """A figure: rounded for the eye, `exact` for a tooltip; `change` is None where nothing is compared."""

    name: str
    title: str
    figure: str
    value: str
    exact: str
    note: str
    change: Change | None
    before: str
    line: str


def build(reader: Reader) -> tuple[Card, ...]:
    """The cards of the page's window."""
    now, before, history = reader.total(), reader.total_before(), _history(reader)
    fresh = f"{formats.compact(now.input_uncached)} uncached"
    thought = f"{formats.compact(now.reasoning)} reasoning" if now.reasoning else ""
    return (
        _count("input", "Input tokens", now, before, history, attrgetter("input_total"), fresh),
        _count("output", "Output tokens", now, before, history, attrgetter("output"), thought),
        _cost(now, before, history),
        _count("calls", "Calls", now, before, history, attrgetter("calls")),
        _ratio(now, before, history),
        _cache(now, before, history),
    )


PANEL = Panel("cards", "In figures", "telemetry/_cards.html", build)


def _history(reader: Reader) -> list[UsageRow]:
    """One sum a bucket, zeros where nothing was recorded."""
    buckets: dict[object, list[UsageRow]] = {edge: [] for edge in reader.state.window.edges()}
    for point in reader.by_model():
        buckets[point.at].append(point.usage)
    return [sums.total(rows) for rows in buckets.values()]


def _count(
    name: str,
    title: str,
    now: UsageRow,
    before: UsageRow | None,
    history: Sequence[UsageRow],
    figure: Callable[[UsageRow], int],
    note: str = "",
) -> Card:
    """A count, which adds up."""
    return Card(
        name=name,
        title=title,
        figure=formats.compact(figure(now)),
        value=str(figure(now)),
        exact=formats.whole(figure(now)),
        note=note,
        change=formats.change(figure(now), figure(before)) if before is not None else None,
        before=formats.whole(figure(before)) if before is not None else "",
        line=sparkline.polyline([figure(row) for row in history]),
    )


def _cost(now: UsageRow, before: UsageRow | None, history: Sequence[UsageRow]) -> Card:
    """The cost of the calls that have a price, and how many have none."""
    unpriced = now.unpriced_calls
    unknown = unpriced > 0 and unpriced == now.calls
    moved = formats.change(now.cost_nanousd, before.cost_nanousd) if before is not None and not unknown else None
    return Card(
        name="cost",
        title="Cost",
        figure="unpriced" if unknown else formats.usd(now.cost_nanousd),
        value="" if unknown else formats.exact_usd(now.cost_nanousd),
        exact="" if unknown else f"${formats.exact_usd(now.cost_nanousd)}",
        note=f"{formats.whole(unpriced)} {'call' if unpriced == 1 else 'calls'} unpriced" if unpriced else "",
        change=moved,
        before=formats.usd(before.cost_nanousd) if before is not None else "",
        line="" if unknown else sparkline.polyline([row.cost_nanousd for row in history]),
    )


def _ratio(now: UsageRow, before: UsageRow | None, history: Sequence[UsageRow]) -> Card:
    """The ratio of the sums, never a mean of ratios."""
    ratio = formats.ratio(now.input_total, now.output)
    compared = before if before is not None and before.output and now.output else None
    return Card(
        name="ratio",
        title="Input / output",
        figure=ratio or "–",
        value=ratio.replace(",", ""),
        exact=f"{formats.whole(now.input_total)} / {formats.whole(now.output)}",
        note="tokens in per token out",
        change=formats.change(_input_per_output(now), _input_per_output(compared)) if compared else None,
        before=formats.ratio(compared.input_total, compared.output) if compared else "",
        line=sparkline.polyline([row.input_total / row.output if row.output else None for row in history]),
    )


def _cache(now: UsageRow, before: UsageRow | None, history: Sequence[UsageRow]) -> Card:
    """What share of all input came from a cache."""
    share = formats.percent(now.cache_read, now.input_total) if now.input_total else ""
    compared = before if before is not None and before.input_total and now.input_total else None
    return Card(
        name="cache",
        title="Cache share",
        figure=f"{share}%" if share else "–",
        value=share,
        exact=f"{formats.whole(now.cache_read)} of {formats.whole(now.input_total)}",
        note="of all input",
        change=formats.points(_cached(now), _cached(compared)) if compared else None,
        before=f"{formats.percent(compared.cache_read, compared.input_total)}%" if compared else "",
        line=sparkline.polyline([row.cache_read / row.input_total if row.input_total else None for row in history]),
    )


def _input_per_output(row: UsageRow) -> Fraction:
    return sums.share(row.input_total, row.output)


def _cached(row: UsageRow) -> Fraction:
    return sums.share(row.cache_read, row.input_total)
