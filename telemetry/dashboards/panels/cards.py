"""Panel: six figures of the window, each with its change and its history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

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
    return (
        _tokens("input", "Input tokens", now, before, history, lambda row: row.input_total, _input_note(now)),
        _tokens("output", "Output tokens", now, before, history, lambda row: row.output, _output_note(now)),
        _cost(now, before, history),
        _tokens("calls", "Calls", now, before, history, lambda row: row.calls, ""),
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


def _tokens(
    name: str,
    title: str,
    now: UsageRow,
    before: UsageRow | None,
    history: Sequence[UsageRow],
    figure: Callable[[UsageRow], int],
    note: str,
) -> Card:
    return Card(
        name,
        title,
        formats.compact(figure(now)),
        formats.whole(figure(now)),
        note,
        before and formats.change(figure(now), figure(before)),
        formats.whole(figure(before)) if before else "",
        sparkline.polyline([figure(row) for row in history]),
    )


def _input_note(now: UsageRow) -> str:
    return f"{formats.compact(now.input_uncached)} of them uncached"


def _output_note(now: UsageRow) -> str:
    return f"{formats.compact(now.reasoning)} of them reasoning" if now.reasoning else ""


def _cost(now: UsageRow, before: UsageRow | None, history: Sequence[UsageRow]) -> Card:
    """The cost of the calls that have a price, and how many have none."""
    unpriced = now.unpriced_calls
    unknown = unpriced > 0 and unpriced == now.calls
    return Card(
        "cost",
        "Cost",
        "unpriced" if unknown else formats.usd(now.cost_nanousd),
        "" if unknown else f"${formats.exact_usd(now.cost_nanousd)}",
        f"{formats.whole(unpriced)} {'call' if unpriced == 1 else 'calls'} unpriced" if unpriced else "",
        None if unknown or before is None else formats.change(now.cost_nanousd, before.cost_nanousd),
        formats.usd(before.cost_nanousd) if before else "",
        "" if unknown else sparkline.polyline([row.cost_nanousd for row in history]),
    )


def _ratio(now: UsageRow, before: UsageRow | None, history: Sequence[UsageRow]) -> Card:
    """The ratio of the sums, never a mean of ratios."""
    compares = before is not None and before.output and now.output
    return Card(
        "ratio",
        "Input / output",
        formats.ratio(now.input_total, now.output) or "–",
        f"{formats.whole(now.input_total)} / {formats.whole(now.output)}",
        "input tokens for each output token",
        formats.change(_input_per_output(now), _input_per_output(before)) if before and compares else None,
        formats.ratio(before.input_total, before.output) if before else "",
        sparkline.polyline([row.input_total / row.output if row.output else None for row in history]),
    )


def _cache(now: UsageRow, before: UsageRow | None, history: Sequence[UsageRow]) -> Card:
    """What share of all input came from a cache."""
    compares = before is not None and before.input_total and now.input_total
    share = sums.share(now.cache_read, now.input_total)
    return Card(
        "cache",
        "Cache share",
        f"{formats.percent(now.cache_read, now.input_total)}%" if now.input_total else "–",
        f"{formats.whole(now.cache_read)} of {formats.whole(now.input_total)}",
        "of input read from a cache",
        formats.points(share, sums.share(before.cache_read, before.input_total)) if before and compares else None,
        f"{formats.percent(before.cache_read, before.input_total)}%" if before else "",
        sparkline.polyline([row.cache_read / row.input_total if row.input_total else None for row in history]),
    )


def _input_per_output(row: UsageRow) -> Fraction:
    return sums.share(row.input_total, row.output)
