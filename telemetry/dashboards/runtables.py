"""Runs as tables: what a list of executions prints, cell by cell. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from telemetry.contracts import UsageRow
from telemetry.dashboards import formats
from telemetry.dashboards.pagestate import PageState
from telemetry.dashboards.tables import Cell, Column, Row, Table, count
from telemetry.series.run_rows import RunRow
from telemetry.usage import DONE

FAILED = frozenset({"failed", "failure", "error", "errored", "aborted", "timeout"})
SHORT, NAME = 12, 22  # so many letters of an id or a status, and of another name, are shown
INFINITE = "\N{INFINITY}"
NOTHING = Cell("–", "")
COLUMNS = (
    Column("execution", "Execution", "text"),
    Column("task", "Task", "text"),
    Column("started_at", "Started", "text"),
    Column("agent", "Agent", "text"),
    Column("model", "Model", "text", hint="The model that cost the most"),
    Column("status", "Status", "text", hint="As the sender says"),
    Column("calls", "Calls"),
    Column("input", "Input", hint="All input tokens, those that a cache served included"),
    Column("output", "Output", hint="Output tokens, reasoning included"),
    Column("input_output_ratio", "In / out", hint="Input tokens for each output token"),
    Column("cache_share_percent", "Cached", hint="Share of input that a cache served"),
    Column("cost_usd", "Cost", hint="At least (≥) where a call has no price"),
    Column("duration_ms", "Duration", hint="As the sender says, else up to the last call"),
    Column("findings", "Findings", "text", hint="What the observer found"),
    *(
        Column(name, name, "text", only_csv=True)
        for name in ("session", "host", "task_type", "tool", "action", "objective", "source")
    ),
    *(
        Column(name, name, only_csv=True)
        for name in (
            *("errors", "failed_calls", "input_uncached", "cache_read", "cache_write", "unpriced_calls"),
            *("high", "medium"),
        )
    ),
)


@dataclass(frozen=True, slots=True)
class Links:
    """Ways from a row: to a run, to its session, to what was found in it, and to the list narrowed to a value."""

    run: Callable[[str], str]
    session: Callable[[str], str]
    findings: Callable[[str], str]
    narrowed: Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Found:
    """How many anomalies a run has, by severity."""

    high: int = 0
    medium: int = 0


def runs_table(
    runs: Sequence[RunRow], found: Mapping[str, Found], *, state: PageState, links: Links, shortened: bool = False
) -> Table:
    """A row a run. `found` holds the runs in which something was found, by id."""
    rows = tuple(Row(_cells(run, found.get(run.execution_id, Found()), state, links)) for run in runs)
    return Table(COLUMNS, rows, shortened=shortened)


def _cells(run: RunRow, found: Found, state: PageState, links: Links) -> tuple[Cell, ...]:
    link = links.narrowed
    name = run.name
    return (
        identified(run.execution_id, links.run(run.execution_id)),
        name_cell(name, url=link(*same_task(run)) if run.task_key else "", hint="All runs of this task"),
        moment(run.started_at, state),
        name_cell(run.agent, url=link("agent", run.agent)),
        name_cell(run.model, url=link("model", run.model)),
        status(run.status, run.errors),
        count(run.calls),
        *usage_cells(run.usage),
        lasted(run.lasted_ms),
        findings(found, links.findings(run.execution_id)),
        *_more(run, found),
    )


def _more(run: RunRow, found: Found) -> tuple[Cell, ...]:
    """What only the CSV has room for."""
    words = (run.session_id, run.host, run.task_type, run.tool, run.action, run.objective, run.source)
    usage = run.usage
    numbers = (run.errors, run.failed_calls, usage.input_uncached, usage.cache_read, usage.cache_write)
    return (
        *(Cell(word, word, words=True) for word in words),
        *(count(number) for number in (*numbers, usage.unpriced_calls, found.high, found.medium)),
    )


def same_task(run: RunRow) -> tuple[str, str]:
    """The filter that leaves the runs of the same task: by its own id, else by what they have alike."""
    return ("task", run.task_id) if run.task_id else ("same_task", run.task_key)


def identified(key: str, url: str, *, hint: str = "Open") -> Cell:
    """The beginning of an id as a link; the whole of it stands in the tooltip and the CSV."""
    return Cell(formats.clipped(key, SHORT), key, url=url, words=True, hint=hint)


def name_cell(name: str, *, url: str = "", hint: str = "Show only this", most: int = NAME) -> Cell:
    """A word that came with the data, not longer than a table can bear; a dash where nothing was said."""
    return Cell(formats.clipped(name, most) or "–", name, url=url if name else "", words=True, hint=hint)


def moment(at: datetime, state: PageState) -> Cell:
    """A moment in the page's zone, to the second for machines."""
    local = at.astimezone(state.window.tz)
    return Cell(formats.short_moment(at, state.window), local.isoformat(timespec="seconds"), words=True)


def status(said: str, errors: int) -> Cell:
    """What the sender says, with a sign; what ended well but bears errors has no good one."""
    note = f"{errors:,} error{'' if errors == 1 else 's'}" if errors else ""
    if not said:
        return Cell("–", "", note=note, words=True)
    return Cell(formats.clipped(said, SHORT), said, note=note, words=True, state=kind_of(said, errors))


def kind_of(said: str, errors: int) -> Literal["good", "bad", "other"]:
    """Whether a status is a good or a bad end, as far as its word is known."""
    if said.lower() in FAILED:
        return "bad"
    return "good" if said.lower() in DONE and not errors else "other"


def usage_cells(row: UsageRow) -> tuple[Cell, ...]:
    """All input, output, their ratio, the share that a cache served, the cost."""
    share = formats.percent(row.cache_read, row.input_total)
    return (
        rounded(row.input_total),
        rounded(row.output),
        ratio(row),
        Cell(f"{share}%", share) if row.input_total else NOTHING,
        cost(row),
    )


def rounded(number: int) -> Cell:
    """A count to three digits; the whole of it stands in the tooltip and the CSV."""
    return Cell(formats.compact(number), str(number))


def ratio(row: UsageRow) -> Cell:
    """Input for each output token; without output there is no end to it."""
    exact = formats.ratio(row.input_total, row.output)
    if not exact:
        return Cell(INFINITE, "", words=False) if row.input_total else NOTHING
    return Cell(exact, exact.replace(",", ""))


def cost(row: UsageRow) -> Cell:
    """The cost of the calls that have a price, which is the least that all cost; nothing is ever said to cost 0 because
    its price is not known."""
    if not row.calls:
        return NOTHING
    if row.unpriced_calls == row.calls:
        return Cell("unpriced", "")
    least = "\N{GREATER-THAN OR EQUAL TO} " if row.unpriced_calls else ""
    return Cell(f"{least}{formats.usd(row.cost_nanousd)}", formats.exact_usd(row.cost_nanousd))


def lasted(milliseconds: int | None) -> Cell:
    """A duration."""
    return NOTHING if milliseconds is None else Cell(formats.long_duration(milliseconds), str(milliseconds))


def findings(found: Found, url: str) -> Cell:
    """How much was found, the grave first; for machines the number."""
    if not found.high:
        if not found.medium:
            return Cell("–", "0", words=True)
        return Cell(f"{found.medium:,} medium", str(found.medium), url=url, words=True, state="other")
    more = f" +{found.medium:,}" if found.medium else ""
    return Cell(f"{found.high:,} high{more}", str(found.high + found.medium), url=url, words=True, state="bad")
