"""What a list may be narrowed by at a glance: each value with its count, as a link that sets it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Protocol, TypeVar

from telemetry.dashboards import formats
from telemetry.dashboards.pagestate import PageState


class Counted(Protocol):
    """So many of something."""

    @property
    def anomalies(self) -> int: ...


Row = TypeVar("Row", bound=Counted)


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a facet, or all of them together."""

    title: str
    count: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """A filter whose values are few and known."""

    name: str
    title: str
    values: tuple[Value, ...]


def facet(
    state: PageState, name: str, title: str, values: Mapping[str, str], counts: Iterable[Counted], names: Sequence[str]
) -> Facet:
    """The values of one of the facets `names`, each with how many there are if the others stay as they are."""
    rows = matching(counts, state.filters, [other for other in names if other != name])
    read: Callable[[Counted], str] = attrgetter(name)
    chosen = state.filters.get(name, ())
    unset = state.link(drop=(name,))
    found = [Value("All", formats.whole(total(rows)), unset, not chosen)]
    for value, words in values.items():
        count = total(row for row in rows if read(row) == value)
        if count or value in chosen:
            only = state.link(**{name: value})
            found.append(Value(words, formats.whole(count), only, value in chosen))
    return Facet(name, title, tuple(found))


def matching(counts: Iterable[Row], filters: Mapping[str, Sequence[str]], names: Sequence[str]) -> list[Row]:
    """Those counts that the facets `names` leave, as far as the page is filtered by them."""
    asked = [(attrgetter(name), filters[name]) for name in names if name in filters]
    return [row for row in counts if all(read(row) in wanted for read, wanted in asked)]


def total(counts: Iterable[Counted]) -> int:
    """Their sum."""
    return sum(row.anomalies for row in counts)
