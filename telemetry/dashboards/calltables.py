"""The calls of a run or a session as tables: each in its place, and what sub-agents and skills came to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from telemetry.contracts import UsageRow
from telemetry.dashboards import formats
from telemetry.dashboards.pagestate import PageState
from telemetry.dashboards.runtables import NOTHING, lasted, moment, name_cell, rounded, usage_cells
from telemetry.dashboards.tables import Cell, Column, Row, Table, count
from telemetry.series.run_rows import CallRow, Part

MAIN = "Main conversation"
_MILLISECOND = timedelta(milliseconds=1)
CALL_COLUMNS = (
    Column("number", "Call", "text", hint="Its place among these calls, by their own time"),
    Column("started_at", "Started", "text"),
    Column("model", "Model", "text"),
    Column("subagent", "Sub-agent", "text"),
    Column("skill", "Skill", "text"),
    Column("input", "Context", hint="All its input tokens"),
    Column("input_uncached", "Uncached", hint="Input tokens that no cache was asked for"),
    Column("cache_read", "Cache read", hint="Input tokens that a cache served"),
    Column("cache_write", "Cache write", hint="Input tokens that were written to a cache"),
    Column("output", "Output", hint="Output tokens, reasoning included"),
    Column("cost_usd", "Cost"),
    Column("duration_ms", "Duration"),
    Column("error", "Error", "text"),
)
_SUMS = (
    Column("calls", "Calls"),
    Column("input", "Input", hint="All input tokens, those that a cache served included"),
    Column("output", "Output", hint="Output tokens, reasoning included"),
    Column("input_output_ratio", "In / out", hint="Input tokens for each output token"),
    Column("cache_share_percent", "Cached", hint="Share of input that a cache served"),
    Column("cost_usd", "Cost"),
)
SUBAGENT_COLUMNS = (
    Column("subagent", "Who", "text"),
    Column("model", "Model", "text", hint="Of most of its calls"),
    Column("started_at", "First call", "text"),
    Column("duration_ms", "Lasted", hint="From its first call to its last"),
    Column("largest_context", "Largest context", hint="Input tokens of its largest call"),
    *_SUMS,
)
SKILL_COLUMNS = (Column("skill", "Skill", "text"), *_SUMS)
MODEL_COLUMNS = (Column("model", "Model", "text"), *_SUMS)


def calls_table(calls: Sequence[CallRow], state: PageState) -> Table:
    """A row a call. Columns in which none of them says anything are left out."""
    rows = [_call_cells(call, state) for call in calls]
    optional = {"subagent", "skill", "error"}
    kept = [
        place
        for place, column in enumerate(CALL_COLUMNS)
        if column.name not in optional or any(row[place].value for row in rows)
    ]
    return Table(
        tuple(CALL_COLUMNS[place] for place in kept), tuple(Row(tuple(row[place] for place in kept)) for row in rows)
    )


def subagents_table(parts: Sequence[Part], state: PageState) -> Table:
    """The main conversation, then every sub-agent in the order in which they began, and how far it grew."""
    rows = [
        Row(
            (
                name_cell(part.usage.key, most=40) if part.usage.key else Cell(MAIN, "", words=True),
                name_cell(part.model),
                moment(part.first_at, state),
                lasted((part.last_at - part.first_at) // _MILLISECOND),
                rounded(part.largest_context),
                *_sums(part.usage),
            )
        )
        for part in sorted(parts, key=lambda part: part.usage.key != "")
    ]
    return Table(SUBAGENT_COLUMNS, tuple(rows))


def parts_table(parts: Sequence[Part], columns: tuple[Column, ...]) -> Table:
    """A row a skill, or a model."""
    return Table(columns, tuple(Row((name_cell(part.usage.key, most=40), *_sums(part.usage))) for part in parts))


def _sums(usage: UsageRow) -> tuple[Cell, ...]:
    return count(usage.calls), *usage_cells(usage)


def _call_cells(call: CallRow, state: PageState) -> tuple[Cell, ...]:
    local = call.started_at.astimezone(state.window.tz)
    day = formats.short_moment(call.started_at, state.window).rpartition(",")[0]
    return (
        Cell(formats.whole(call.number), str(call.number), note="totals as sent" if call.is_total else ""),
        Cell(f"{day}, {local:%H:%M:%S}", local.isoformat(timespec="milliseconds"), words=True),
        name_cell(call.model),
        name_cell(call.subagent_id, most=18),
        name_cell(call.skill, most=18),
        *(
            count(tokens)
            for tokens in (call.context, call.input_uncached, call.cache_read, call.cache_write, call.output)
        ),
        _cost(call.cost_nanousd),
        NOTHING if call.duration_ms is None else Cell(formats.duration(call.duration_ms), str(call.duration_ms)),
        name_cell(call.error_type),
    )


def _cost(nanousd: int | None) -> Cell:
    """Nothing is ever said to cost 0 because its price is not known."""
    return Cell("unpriced", "") if nanousd is None else Cell(formats.usd(nanousd), formats.exact_usd(nanousd))
