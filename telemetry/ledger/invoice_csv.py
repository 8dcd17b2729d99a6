"""A provider's activity export, read: what each model cost on each day of UTC, by the provider's own figures. Pure.

Three layouts are known by their header, whatever else it holds (docs/invoice-check.md says which columns are used):

    Anthropic Console, cost          usage_date_utc, model, cost_usd           each row rounded to a cent
    OpenRouter, one row a day        Date, Slug, Usage                         its API: date, model_permaslug, usage
    OpenRouter, one row a request    created_at, model_permaslug, cost_total

A table of one's own needs a date, a model and a cost. A file is taken whole or refused whole, with the row and why.
"""

from __future__ import annotations

import csv
import io
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

MAX_BYTES = 20 * 2**20
MAX_ROWS = 500_000
MAX_LINES = 50_000
MAX_DOLLARS = 10**8
FIRST_DAY = date(2020, 1, 1)
HALF_A_CENT_NANOUSD = 5_000_000
_NANO = Decimal(10**9)
_MODEL_LETTERS = 200
_NUMBER = re.compile(r"-?(?:\d+|\d{1,3}(?:,\d{3})+(?=\.))(?:\.\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_COMMA = re.compile(r"-?\d[\d.\s]*,\d+", re.ASCII)


class BadInvoice(ValueError):
    """A file that cannot be set beside our figures; the text says what is wrong with it, for a person."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one model cost on one day. `rounding_nanousd`: how far the sum may be off because its rows were rounded."""

    day: date
    model: str
    amount_nanousd: int
    rounding_nanousd: int


@dataclass(frozen=True, slots=True)
class InvoiceFile:
    """A file that was read; `provider` is empty for a table of one's own. Lines are in the order of days and models."""

    origin: str
    provider: str
    first_day: date
    last_day: date
    lines: tuple[Line, ...]

    @property
    def amount_nanousd(self) -> int:
        """The sum of its lines."""
        return sum(line.amount_nanousd for line in self.lines)


@dataclass(frozen=True, slots=True)
class _Layout:
    """The columns of a kind of file, each by the names that it may have."""

    origin: str
    provider: str
    day: tuple[str, ...]
    model: tuple[str, ...]
    amount: tuple[str, ...]
    row_rounding_nanousd: int = 0


_LAYOUTS = (
    _Layout("Anthropic cost export", "anthropic", ("usage_date_utc",), ("model",), ("cost_usd",), HALF_A_CENT_NANOUSD),
    _Layout("OpenRouter requests", "openrouter", ("created_at",), ("model_permaslug", "model"), ("cost_total",)),
    _Layout("OpenRouter activity", "openrouter", ("date",), ("slug", "model_permaslug", "model"), ("usage",)),
    _Layout(
        "table",
        "",
        ("date", "day", "usage_date", "usage_date_utc"),
        ("model", "model_name", "slug"),
        ("cost_usd", "amount_usd", "cost", "amount", "spend"),
    ),
)
_TOKENS_ONLY = {"usage_input_tokens_no_cache", "usage_output_tokens"}


def read_invoice(content: bytes) -> InvoiceFile:
    """The days and models of a file. Raises BadInvoice."""
    if len(content) > MAX_BYTES:
        raise BadInvoice(f"The file is larger than {MAX_BYTES >> 20} MiB. Export a shorter period.")
    text = _text(content)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        numbered = enumerate(rows, 1)
        header = next((row for _, row in numbered if any(row)), [])
        layout, places = _layout(header)
        return _read(numbered, layout, places)
    except csv.Error as error:
        raise BadInvoice(f"Line {rows.line_num} is not CSV: {error}.") from None


def _text(content: bytes) -> str:
    """UTF-8, UTF-16 where it says so, else what old spreadsheets write. Raises BadInvoice."""
    if not content.strip():
        raise BadInvoice("The file is empty.")
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    if content.startswith((b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0")) or b"\0" in content[:4096]:
        raise BadInvoice("This is no CSV file. Export the activity as CSV.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _layout(header: Sequence[str]) -> tuple[_Layout, tuple[int, int, int]]:
    """The first layout whose columns are all there, and where its day, model and amount stand. Raises BadInvoice."""
    names = [re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") for name in header]
    for layout in _LAYOUTS:
        found = [next((name for name in wanted if name in names), "") for wanted in _columns(layout)]
        if all(found):
            for name in found:
                if names.count(name) > 1:
                    raise BadInvoice(f"The column {name} is there {names.count(name)} times.")
            day, model, amount = map(names.index, found)
            return layout, (day, model, amount)
    if set(names) >= _TOKENS_ONLY:
        raise BadInvoice("This is Anthropic's usage export, which holds tokens and no cost. Take the cost export.")
    seen = ", ".join(name.strip()[:40] or "(unnamed)" for name in header[:20])
    raise BadInvoice(
        f"These columns are not known: {seen}. A file of Anthropic has usage_date_utc, model, cost_usd; one of "
        "OpenRouter has date, slug, usage or created_at, model_permaslug, cost_total."
    )


def _columns(layout: _Layout) -> tuple[tuple[str, ...], ...]:
    return layout.day, layout.model, layout.amount


def _read(numbered: Iterable[tuple[int, list[str]]], layout: _Layout, places: tuple[int, int, int]) -> InvoiceFile:
    """The sums of the rows by day and model. Raises BadInvoice."""
    sums: dict[tuple[date, str], list[Decimal]] = {}
    for number, row in numbered:
        if not any(cell.strip() for cell in row):
            continue
        if number > MAX_ROWS or len(sums) > MAX_LINES:
            raise BadInvoice(f"The file has more than {MAX_ROWS} rows or {MAX_LINES} days and models.")
        try:
            day, model, amount = (row[place].strip() for place in places)
            sums.setdefault((_day(day), _model(model)), []).append(_dollars(amount or "0"))
        except IndexError:
            raise BadInvoice(f"Row {number} has only {len(row)} fields; the header has more.") from None
        except ValueError as error:
            raise BadInvoice(f"Row {number}: {error}.") from None
    if not sums:
        raise BadInvoice("The file has a header and no rows.")
    lines = tuple(
        Line(day, model, _nanousd(sum(amounts, Decimal())), layout.row_rounding_nanousd * len(amounts))
        for (day, model), amounts in sorted(sums.items())
    )
    if sum(abs(line.amount_nanousd) for line in lines) > _nanousd(Decimal(MAX_DOLLARS)):
        raise BadInvoice(f"The file adds up to more than {MAX_DOLLARS} dollars.")
    return InvoiceFile(layout.origin, layout.provider, lines[0].day, lines[-1].day, lines)


def parse_dollars(text: str) -> int:
    """An amount of US dollars that a person or a file wrote, in nano-dollars. Raises ValueError."""
    return _nanousd(_dollars(text.strip()))


def _day(text: str) -> date:
    """The UTC day of a date or a moment; one that bears no zone is UTC. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
        day = (moment if moment.tzinfo is None else moment.astimezone(UTC)).date()
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is not a date such as 2026-11-20") from None
    if not FIRST_DAY <= day < date(9000, 1, 1):
        raise ValueError(f"{day} is not between {FIRST_DAY} and the year 9000")
    return day


def _model(text: str) -> str:
    if "\0" in text:
        raise ValueError("a text holds the character NUL")
    return text[:_MODEL_LETTERS]


def _dollars(text: str) -> Decimal:
    """A decimal number of dollars. Raises ValueError; a comma may stand for a point, so it is not guessed at."""
    bare = text.replace("US$", "").replace("$", "").replace("USD", "").strip()
    if not _NUMBER.fullmatch(bare):
        if _COMMA.fullmatch(bare):
            raise ValueError(
                f"{text[:40]!r} has a comma where dollars and cents part, or seems to; write it with a point"
            )
        raise ValueError(f"{text[:40]!r} is not an amount of dollars such as 12.34")
    amount = Decimal(bare.replace(",", ""))
    if abs(amount) > MAX_DOLLARS:
        raise ValueError(f"{text[:40]!r} is more than {MAX_DOLLARS} dollars")
    return amount


def _nanousd(amount: Decimal) -> int:
    return int((amount * _NANO).to_integral_value(ROUND_HALF_EVEN))
