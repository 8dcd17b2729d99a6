"""A table as data: what the page prints and what its CSV holds are two readings of the same cells. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from telemetry.contracts import UsageRow
from telemetry.dashboards import formats, sums
from telemetry.exporter.csv_lines import harmless

OTHERS = "Others"
TOTAL = "Total"


@dataclass(frozen=True, slots=True)
class Column:
    """`name` heads the CSV, `title` the page, which has no room for those that are `only_csv`; `hint` explains the
    figure."""

    name: str
    title: str
    kind: Literal["text", "number", "share"] = "number"
    hint: str = ""
    only_csv: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar: its colour slot, where it begins and how wide it is, in thousandths."""

    slot: int
    at: int
    width: int


@dataclass(frozen=True, slots=True)
class Cell:
    """`text` is for the eye, `value` exact and for machines; `words` are not figures. `url` filters the page, or does
    what `hint` says; `mark` is a colour slot, `share` is drawn as a bar, in thousandths; a `state` has a sign before
    it; `parts` are drawn as a bar of several colours."""

    text: str
    value: str
    note: str = ""
    url: str = ""
    share: int | None = None
    mark: int | None = None
    words: bool = False
    hint: str = "Show only this"
    state: Literal["", "good", "bad", "other"] = ""
    parts: tuple[Part, ...] = ()

    @property
    def is_bare(self) -> bool:
        """Whether it is a figure with nothing around it, as most cells are."""
        return (
            not (self.words or self.url or self.note or self.state or self.parts)
            and self.mark is None
            and self.share is None
        )

    @property
    def exact(self) -> str:
        """The exact figure where the text rounds it, for a tooltip."""
        return self.value if self.value != self.text.replace(",", "").strip("$%") else ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table; `kind` sets apart the sum of all rows, and that of rows that are not shown."""

    cells: tuple[Cell, ...]
    kind: Literal["", "others", "total"] = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows; `total` where they add up to something, `shortened` where the page shows only the first."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: Row | None = None
    shortened: bool = False

    @property
    def table(self) -> Table:
        """Itself, so that a table and a chart with its table twin are asked alike."""
        return self

    @property
    def shown(self) -> Table:
        """Without the columns that a page has no room for."""
        kept = [place for place, column in enumerate(self.columns) if not column.only_csv]
        if len(kept) == len(self.columns):
            return self
        rows = tuple(Row(tuple(row.cells[place] for place in kept), row.kind) for row in self.rows)
        total = self.total and Row(tuple(self.total.cells[place] for place in kept), self.total.kind)
        return replace(self, columns=tuple(self.columns[place] for place in kept), rows=rows, total=total)


TOKEN_COLUMNS = (
    Column("calls", "Calls"),
    Column("input_uncached", "Uncached input", hint="Input tokens that no cache was asked for"),
    Column("cache_read", "Cache read", hint="Input tokens that a cache served"),
    Column("cache_write", "Cache write", hint="Input tokens that were written to a cache"),
    Column("output", "Output", hint="Output tokens, reasoning included"),
)
COST_COLUMNS = (
    Column("cost_usd", "Cost"),
    Column("unpriced_calls", "Unpriced", hint="Calls of models whose price is not known"),
    Column("cost_share_percent", "Share", "share", hint="Share of the cost of all rows"),
)
USAGE_COLUMNS = (*TOKEN_COLUMNS, *COST_COLUMNS)


def usage_cells(row: UsageRow, whole: UsageRow) -> tuple[Cell, ...]:
    """The cells of USAGE_COLUMNS for a row that is part of `whole`."""
    return (*token_cells(row), *cost_cells(row, whole))


def cost_cells(row: UsageRow, whole: UsageRow) -> tuple[Cell, ...]:
    """The cells of COST_COLUMNS for a row that is part of `whole`."""
    return _cost(row), count(row.unpriced_calls), _cost_share(row, whole)


def token_cells(row: UsageRow) -> tuple[Cell, ...]:
    """The cells of TOKEN_COLUMNS."""
    return tuple(count(n) for n in (row.calls, row.input_uncached, row.cache_read, row.cache_write, row.output))


def count(number: int) -> Cell:
    """A whole number."""
    return Cell(formats.whole(number), str(number))


def _cost(row: UsageRow) -> Cell:
    """The cost; nothing is ever said to cost 0 because its price is not known."""
    if row.calls and row.unpriced_calls == row.calls:
        return Cell("unpriced", "")
    return Cell(formats.usd(row.cost_nanousd), formats.exact_usd(row.cost_nanousd))


def _cost_share(row: UsageRow, whole: UsageRow) -> Cell:
    """The share of the cost, drawn as a bar too; what has no price has no share."""
    if row.calls and row.unpriced_calls == row.calls:
        return Cell("–", "")
    share = formats.percent(row.cost_nanousd, whole.cost_nanousd)
    return Cell(f"{share}%", share, share=formats.per_mille(row.cost_nanousd, whole.cost_nanousd))


def text(
    value: str,
    *,
    url: str = "",
    note: str = "",
    mark: int | None = None,
    shown: str = "",
    hint: str = "Show only this",
) -> Cell:
    """A word that came with the data; an empty one is a dimension that the calls do not bear."""
    words = formats.straight(shown or value) or formats.UNSET
    return Cell(words, value, note=note, url=url, mark=mark, words=True, hint=hint)


def leaders(
    rows: Sequence[UsageRow],
    whole: UsageRow,
    *,
    keys: tuple[Column, ...],
    name: Callable[[UsageRow], tuple[Cell, ...]],
) -> Table:
    """A table of `rows`; what they lack to `whole` is one row more, so that every column adds up to its total."""
    lines = [Row((*name(row), *usage_cells(row, whole))) for row in rows]
    rest = sums.minus(whole, sums.total(rows))
    if rest.calls:
        lines.append(summary("others", len(keys), usage_cells(rest, whole)))
    total = summary("total", len(keys), usage_cells(whole, whole))
    return Table((*keys, *USAGE_COLUMNS), tuple(lines), total, shortened=rest.calls > 0)


def summary(kind: Literal["others", "total"], keys: int, cells: Sequence[Cell]) -> Row:
    """A row that sums up: its title where others have their first key, blanks where they have more, its figures."""
    title = TOTAL if kind == "total" else OTHERS
    return Row((Cell(title, title, words=True), *[Cell("", "", words=True)] * (keys - 1), *cells), kind)


def as_csv(table: Table) -> str:
    """The table as RFC 4180 CSV: the page's rows in the page's order, figures in full precision."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(harmless(column.name) for column in table.columns)
    for row in (*table.rows, *([table.total] if table.total else [])):
        writer.writerow(
            harmless(cell.value) if column.kind == "text" else cell.value
            for column, cell in zip(table.columns, row.cells, strict=True)
        )
    return out.getvalue()
