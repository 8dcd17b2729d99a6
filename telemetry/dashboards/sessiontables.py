"""Sessions as tables: what a list of conversations prints, cell by cell. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from telemetry.dashboards import colours, formats
from telemetry.dashboards.pagestate import PageState
from telemetry.dashboards.runtables import Links, identified, lasted, moment, name_cell, usage_cells
from telemetry.dashboards.tables import Cell, Column, Part, Row, Table, count
from telemetry.series.run_rows import ModelShare, SessionRow

_MILLISECOND = timedelta(milliseconds=1)
COLUMNS = (
    Column("session", "Session", "text"),
    Column("started_at", "Started", "text", hint="Its first call, which may lie before the range"),
    Column("agent", "Agent", "text"),
    Column("host", "Host", "text"),
    Column("models", "Models", "text", hint="What each cost, or where none has a price, their tokens"),
    Column("calls", "Calls"),
    Column("input", "Input", hint="All input tokens, those that a cache served included"),
    Column("output", "Output", hint="Output tokens, reasoning included"),
    Column("input_output_ratio", "In / out", hint="Input tokens for each output token"),
    Column("cache_share_percent", "Cached", hint="Share of input that a cache served"),
    Column("cost_usd", "Cost", hint="At least (≥) where a call has no price"),
    Column("duration_ms", "Lasted", hint="From its first call to its last, whatever the range"),
    *(
        Column(name, name, only_csv=True)
        for name in ("input_uncached", "cache_read", "cache_write", "reasoning", "unpriced_calls")
    ),
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a session beside its calls."""

    agent: str = ""
    host: str = ""


def sessions_table(
    sessions: Sequence[SessionRow],
    models: Sequence[ModelShare],
    known: Mapping[str, Known],
    *,
    state: PageState,
    links: Links,
    shortened: bool = False,
) -> Table:
    """A row a session. `models` are those of all of them, the dearest of each first."""
    mixes: dict[str, list[ModelShare]] = {}
    for share in models:
        mixes.setdefault(share.session_id, []).append(share)
    slots = colours.slots(_most_used(models))
    rows = []
    for session in sessions:
        about = known.get(session.session_id, Known())
        mix = mixes.get(session.session_id, [])
        rows.append(Row(_cells(session, mix, about, slots, state, links)))
    return Table(COLUMNS, tuple(rows), shortened=shortened)


def _cells(
    session: SessionRow,
    mix: Sequence[ModelShare],
    about: Known,
    slots: Mapping[str, int],
    state: PageState,
    links: Links,
) -> tuple[Cell, ...]:
    return (
        identified(session.session_id, links.session(session.session_id)),
        moment(session.first_at, state),
        name_cell(about.agent, url=links.narrowed("agent", about.agent)),
        name_cell(about.host, url=links.narrowed("host", about.host)),
        mixed(mix, slots),
        count(session.usage.calls),
        *usage_cells(session.usage),
        lasted((session.last_at - session.first_at) // _MILLISECOND),
        *(
            count(number)
            for number in (
                *(session.usage.input_uncached, session.usage.cache_read, session.usage.cache_write),
                *(session.usage.reasoning, session.usage.unpriced_calls),
            )
        ),
    )


def mixed(mix: Sequence[ModelShare], slots: Mapping[str, int]) -> Cell:
    """The first model by name, how many more there are, and a bar of them all; for machines each with its share."""
    if not mix:
        return Cell("–", "", words=True)
    is_priced = any(share.cost_nanousd for share in mix)
    weights = [share.cost_nanousd if is_priced else share.tokens for share in mix]
    whole = sum(weights)
    parts, at = [], 0
    for share, weight in zip(mix, weights, strict=True):
        width = formats.per_mille(weight, whole)
        parts.append(Part(slots.get(share.model, colours.OTHER_SLOT), at, width))
        at += width
    exact = ", ".join(
        f"{share.model} {formats.percent(weight, whole)}%" for share, weight in zip(mix, weights, strict=True)
    )
    more = f"+{len(mix) - 1}" if len(mix) > 1 else ""
    return Cell(formats.clipped(mix[0].model, 22), exact, note=more, words=True, parts=tuple(parts))


def _most_used(models: Sequence[ModelShare]) -> list[str]:
    """The models that have colours: those with the most tokens."""
    tokens: dict[str, int] = {}
    for share in models:
        tokens[share.model] = tokens.get(share.model, 0) + share.tokens
    return sorted(tokens, key=lambda name: (-tokens[name], name))[: len(colours.PALETTE)]
