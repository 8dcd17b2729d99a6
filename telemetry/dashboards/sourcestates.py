"""How each source of a project does: receiving, silent or never heard of, and what of it was refused or unpriced.
Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from telemetry.dashboards.sourcecards import CARDS

RECEIVING_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Refusal:
    """How often items were refused for one reason, and one of them."""

    reason: str
    count: int
    last_at: datetime
    sample_id: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of one source: its last moment, its refusals, its calls of the last day by model as
    (model, calls, calls without a price)."""

    source: str
    last_at: datetime | None = None
    refusals: tuple[Refusal, ...] = ()
    models: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class SourceState:
    """What a card says of its sources together."""

    name: str
    state: Literal["receiving", "silent", "never"]
    last_at: datetime | None
    calls: int
    refused: int
    refusals: tuple[Refusal, ...]
    unpriced: tuple[tuple[str, int], ...]


def states(heard: Iterable[Heard], *, now: datetime) -> list[SourceState]:
    """A state for each card, then one for each source that no card names, in alphabetical order."""
    by_source = {one.source: one for one in heard}
    named = {card.name: [by_source[source] for source in card.sources if source in by_source] for card in CARDS}
    on_cards = {source for card in CARDS for source in card.sources}
    others = {source: [by_source[source]] for source in sorted(by_source.keys() - on_cards)}
    return [_state(name, sources, now) for name, sources in (*named.items(), *others.items())]


def _state(name: str, sources: Sequence[Heard], now: datetime) -> SourceState:
    last_at = max((one.last_at for one in sources if one.last_at), default=None)
    refusals = sorted((one for source in sources for one in source.refusals), key=_latest_first)
    unpriced: dict[str, int] = {}
    for model, _, without in (line for source in sources for line in source.models):
        if without:
            unpriced[model] = unpriced.get(model, 0) + without
    return SourceState(
        name=name,
        state="never" if last_at is None else "receiving" if now - last_at < RECEIVING_FOR else "silent",
        last_at=last_at,
        calls=sum(calls for source in sources for _, calls, _ in source.models),
        refused=sum(one.count for one in refusals),
        refusals=tuple(refusals),
        unpriced=tuple(sorted(unpriced.items(), key=lambda pair: (-pair[1], pair[0]))),
    )


def _latest_first(refusal: Refusal) -> tuple[float, int, str]:
    return -refusal.last_at.timestamp(), -refusal.count, refusal.reason
