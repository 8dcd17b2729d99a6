"""What is known of a run or a session beside its sums: words with their titles, cards with figures. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from telemetry.contracts import UsageRow
from telemetry.dashboards import formats
from telemetry.dashboards.runtables import INFINITE, identified
from telemetry.dashboards.tables import Cell, Column, Row, Table, count

SENT_COLUMNS = (
    Column("what", "Tokens", "text"),
    Column("sent", "Sent", hint="What the sender said; it is not counted"),
    Column("counted", "Counted", hint="What its calls add up to"),
    Column("difference", "Difference", hint="Sent less counted"),
)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is known, with a title."""

    title: str
    cell: Cell


@dataclass(frozen=True, slots=True)
class Figure:
    """A card: a figure that is rounded for the eye, the exact one, and a note."""

    name: str
    title: str
    figure: str
    value: str
    exact: str = ""
    note: str = ""


def said(title: str, words: str, *, url: str = "", hint: str = "Show only this") -> list[Fact]:
    """A fact in the sender's words; none where nothing was said."""
    return [Fact(title, Cell(words, words, url=url, words=True, hint=hint))] if words else []


def figures(usage: UsageRow, *, failed_calls: int | None, lasted_ms: int | None, how_long: str) -> tuple[Figure, ...]:
    """Six cards: input, output, cost, calls, ratio and cache share, duration."""
    failed = f"{formats.whole(failed_calls)} failed" if failed_calls else ""
    return (
        _count("input", "Input tokens", usage.input_total, _buckets(usage)),
        _count("output", "Output tokens", usage.output, _reasoning(usage)),
        _cost(usage),
        _count("calls", "Calls", usage.calls, failed),
        _ratio(usage),
        _duration(lasted_ms, how_long),
    )


def _cost(usage: UsageRow) -> Figure:
    """The cost of the calls that have a price, and how many have none; nothing without a price is said to cost 0."""
    unpriced = f"{formats.whole(usage.unpriced_calls)} unpriced call{'' if usage.unpriced_calls == 1 else 's'}"
    if usage.calls == 0:
        return Figure("cost", "Cost", "–", "", note="no call yet")
    if usage.calls == usage.unpriced_calls:
        return Figure("cost", "Cost", "unpriced", "", note="its price is not known")
    exact = formats.exact_usd(usage.cost_nanousd)
    note = f"without {unpriced}" if usage.unpriced_calls else ""
    return Figure("cost", "Cost", formats.usd(usage.cost_nanousd), exact, f"${exact}", note)


def _ratio(usage: UsageRow) -> Figure:
    """Input for each output token, and what share of it a cache served."""
    exact = formats.ratio(usage.input_total, usage.output)
    shown = exact or (INFINITE if usage.input_total else "–")
    share = formats.percent(usage.cache_read, usage.input_total)
    note = f"{share}% of input cached" if usage.input_total else ""
    return Figure("ratio", "Input / output", shown, exact.replace(",", ""), note=note)


def _duration(lasted_ms: int | None, how_long: str) -> Figure:
    if lasted_ms is None:
        return Figure("duration", "Duration", "–", "", note="not known")
    return Figure("duration", "Duration", formats.long_duration(lasted_ms), str(lasted_ms), note=how_long)


def _count(name: str, title: str, number: int, note: str) -> Figure:
    return Figure(name, title, formats.compact(number), str(number), formats.whole(number), note)


def _buckets(usage: UsageRow) -> str:
    parts = ((usage.input_uncached, "uncached"), (usage.cache_read, "read"), (usage.cache_write, "written"))
    return " · ".join(f"{formats.compact(number)} {word}" for number, word in parts if number)


def _reasoning(usage: UsageRow) -> str:
    return f"{formats.compact(usage.reasoning)} reasoning" if usage.reasoning else ""


@dataclass(frozen=True, slots=True)
class Sent:
    """Totals that came with an execution; None: not said. Input holds its cache parts, OTel's convention."""

    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None


def sent_table(sent: Sent, usage: UsageRow) -> Table | None:
    """Sent totals beside counted ones; None where they agree. Where the parts of the cache exceed the input, that
    leaves them out, as ledger/executions.py reads it."""
    parts = (sent.cache_read_tokens or 0) + (sent.cache_write_tokens or 0)
    whole = sent.input_tokens
    if whole is not None and parts > whole:
        whole += parts
    compared = [
        ("Input", whole, usage.input_total),
        ("of it cache read", sent.cache_read_tokens, usage.cache_read),
        ("of it cache write", sent.cache_write_tokens, usage.cache_write),
        ("Output", sent.output_tokens, usage.output),
    ]
    if all(told is None or told == counted for _, told, counted in compared):
        return None
    return Table(SENT_COLUMNS, tuple(_sent_row(*row) for row in compared))


def _sent_row(what: str, told: int | None, counted: int) -> Row:
    if told is None:
        return Row((Cell(what, what, words=True), Cell("–", ""), count(counted), Cell("–", "")))
    difference = Cell(formats.signed(told - counted), str(told - counted))
    return Row((Cell(what, what, words=True), count(told), count(counted), difference))


@dataclass(frozen=True, slots=True)
class Finding:
    """An anomaly as pages print it."""

    execution_id: str
    detector: str
    issue: str
    severity: str
    tokens_wasted: int
    state: str


FINDING_COLUMNS = (
    Column("detector", "Finding", "text"),
    Column("severity", "Severity", "text"),
    Column("issue", "Issue", "text"),
    Column("tokens_wasted", "Tokens wasted"),
    Column("state", "State", "text"),
    Column("execution", "Execution", "text"),
)


def findings_table(findings: Sequence[Finding], *, run: Callable[[str], str] | None = None) -> Table | None:
    """A row an anomaly, the grave first, with a way to its execution where `run` makes one; None where nothing was
    found."""
    if not findings:
        return None
    ranked = sorted(findings, key=lambda one: (one.severity != "high", -one.tokens_wasted))
    columns = FINDING_COLUMNS if run else FINDING_COLUMNS[:-1]
    return Table(columns, tuple(Row(_finding_cells(one, run)) for one in ranked))


def _finding_cells(one: Finding, run: Callable[[str], str] | None) -> tuple[Cell, ...]:
    return (
        Cell(one.detector, one.detector, words=True),
        Cell(one.severity, one.severity, words=True, state="bad" if one.severity == "high" else "other"),
        Cell(formats.clipped(one.issue, 120), one.issue, words=True),
        count(one.tokens_wasted),
        Cell(one.state, one.state, words=True),
        *([identified(one.execution_id, run(one.execution_id))] if run else []),
    )
