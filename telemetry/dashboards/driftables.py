"""The tables of the invoice check: drift by invoice, by model, by day, and by both. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from telemetry.dashboards import drift, formats
from telemetry.dashboards.drift import Compared, Ours
from telemetry.dashboards.tables import TOTAL, Cell, Column, Row, Table, count, summary, text
from telemetry.ledger.invoice_csv import Line

ROWS = 200
FIGURES = (
    Column("theirs_usd", "Theirs", hint="What the provider says"),
    Column("ours_usd", "Ours", hint="What the calls recorded here cost"),
    Column("drift_usd", "Drift", hint="Ours less theirs"),
    Column("drift_percent", "Drift %", hint="Of theirs"),
    Column("calls", "Calls"),
    Column("unpriced_calls", "Unpriced", hint="Calls of models whose price is not known"),
)
DAY = Column("day", "Day (UTC)", "text")
MODEL = Column("model", "Model", "text")


def figures(row: Compared) -> tuple[Cell, ...]:
    """The cells of FIGURES."""
    known = row.theirs is not None
    return (
        Cell(_usd(row.theirs or 0), formats.exact_usd(row.theirs or 0)) if known else Cell("–", ""),
        Cell(_usd(row.ours), formats.exact_usd(row.ours)),
        _drift(row),
        Cell(f"{row.percent}%".replace("-", formats.MINUS) if row.percent else "–", row.percent.removeprefix("+")),
        count(row.calls),
        count(row.unpriced_calls),
    )


def by_model(lines: Sequence[Line], ours: Sequence[Ours], whole: Compared, *, detailed: bool) -> Table:
    """One row a model."""
    rows = [Row((text(one.model), *figures(one))) for one in drift.by_model(lines, ours, detailed=detailed)]
    return Table((MODEL, *FIGURES), tuple(rows), summary("total", 1, figures(whole)))


def by_day(lines: Sequence[Line], ours: Sequence[Ours], whole: Compared, *, detailed: bool) -> Table:
    """One row a day."""
    rows = [Row((_day(one), *figures(one))) for one in drift.by_day(lines, ours, detailed=detailed)]
    return Table((DAY, *FIGURES), tuple(rows), summary("total", 1, figures(whole)))


def by_both(lines: Sequence[Line], ours: Sequence[Ours], whole: Compared, *, detailed: bool, all_rows: bool) -> Table:
    """One row a day and model; of many the newest, and what the others come to together."""
    compared = drift.by_day_and_model(lines, ours, detailed=detailed)
    shown, rest = (compared, []) if all_rows else (compared[:ROWS], compared[ROWS:])
    rows = [Row((_day(one), text(one.model), *figures(one))) for one in shown]
    if rest:
        rows.append(summary("others", 2, figures(_sum(rest, detailed))))
    return Table((DAY, MODEL, *FIGURES), tuple(rows), summary("total", 2, figures(whole)), shortened=bool(rest))


def _sum(rows: Iterable[Compared], detailed: bool) -> Compared:
    many = list(rows)
    return Compared(
        day=None,
        model=TOTAL,
        theirs=sum(one.theirs or 0 for one in many) if detailed else None,
        ours=sum(one.ours for one in many),
        rounding=sum(one.rounding for one in many),
        calls=sum(one.calls for one in many),
        unpriced_calls=sum(one.unpriced_calls for one in many),
    )


def _day(row: Compared) -> Cell:
    return Cell(formats.day(row.day), row.day.isoformat(), words=True) if row.day else Cell("", "", words=True)


def _usd(nanousd: int) -> str:
    return f"{formats.MINUS}{formats.usd(-nanousd)}" if nanousd < 0 else formats.usd(nanousd)


def _drift(row: Compared) -> Cell:
    if row.drift is None:
        return Cell("–", "")
    return Cell(formats.signed_usd(row.drift), formats.exact_usd(row.drift), note="rounding" if row.is_rounding else "")
