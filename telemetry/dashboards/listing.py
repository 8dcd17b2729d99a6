"""Long lists: in which order, which page of them, and the ways to the others. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from telemetry.dashboards import formats, pagestate
from telemetry.dashboards.pagestate import BadQuery, PageState, Query

ROWS = 50
MOST_CSV_ROWS = 50_000
OWN_WORDS = ("sort",)  # `page` stays in no other link: any of them leads to another list


@dataclass(frozen=True, slots=True)
class Order:
    """One way to order a list."""

    title: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Pager:
    """Where in a list a page stands, and the addresses of its neighbours; empty where there is none."""

    words: str
    previous: str
    following: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What an address asks of a list: one of its `orders` by name, the first being the default, and a page, counted
    from 1. `limit` rows are asked for from `offset` on; None: all of them, for a CSV."""

    state: PageState
    orders: Mapping[str, str]
    sort: str
    page: int
    rows: int = ROWS

    @property
    def limit(self) -> int:
        """How many rows are asked for; of a CSV of all rows one more than may be sent."""
        return MOST_CSV_ROWS + 1 if self.state.all_rows else self.rows

    @property
    def offset(self) -> int:
        """How many rows stand before."""
        return 0 if self.state.all_rows else (self.page - 1) * self.rows

    def choices(self) -> tuple[Order, ...]:
        """The orders, each as a link to the first page of it."""
        return tuple(
            Order(title, self._link(sort="" if number == 0 else name), name == self.sort)
            for number, (name, title) in enumerate(self.orders.items())
        )

    def within(self, count: int) -> Listing:
        """The same, or the last page where this one stands behind all of `count` rows."""
        return replace(self, page=min(self.page, max(1, -(-count // self.rows))))

    def first(self) -> Listing:
        """The same from the beginning."""
        return replace(self, page=1)

    def pager(self, count: int) -> Pager:
        """Where the page stands among `count` rows."""
        first, last = self.offset + 1, min(self.offset + self.rows, count)
        shown = f"{formats.whole(first)}\N{EN DASH}{formats.whole(last)} of {formats.whole(count)}" if count else ""
        return Pager(
            words=shown,
            previous=self._link(page=self.page - 1) if self.page > 1 else "",
            following=self._link(page=self.page + 1) if last < count else "",
        )

    @property
    def csv_link(self) -> str:
        """The address of the same page as CSV, but for the table's name."""
        here = {"page": str(self.page)} if self.page > 1 else {}
        return self.state.link(format="csv", **here)

    def _link(self, *, sort: str | None = None, page: int = 1) -> str:
        words = {"sort": sort or "", "page": str(page) if page > 1 else ""}
        drop = () if sort is None else OWN_WORDS
        return self.state.link(drop=drop, **{name: value for name, value in words.items() if value})


def read(state: PageState, query: Query, *, orders: Mapping[str, str], rows: int = ROWS) -> Listing:
    """What an address asks of a list. Raises BadQuery."""
    sort = pagestate.word(query, "sort") or next(iter(orders))
    if sort not in orders:
        raise BadQuery(f"sort={sort!r} is not known; use {', '.join(orders)}.")
    return Listing(state, orders, sort, page_number(query), rows)


def page_number(query: Query) -> int:
    """The page that an address asks for, 1 where it says none. Raises BadQuery."""
    said = pagestate.word(query, "page") or "1"
    if not (said.isascii() and said.isdecimal() and len(said) <= 7 and int(said) > 0):
        raise BadQuery(f"page={said!r} is not the number of a page.")
    return int(said)


def unknown_filters(state: PageState, known: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Filters that a list cannot be narrowed by: the name of each, and the address without it."""
    return tuple((name.replace("_", " "), state.link(drop=(name,))) for name in state.filters if name not in known)
